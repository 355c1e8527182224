// SPDX-License-Identifier: MIT
// Colours of the style sheet for terminals, charts and the heat map, which draw by
// themselves.

import { store, stored } from './storage.ts';

const THEME_KEY = 'vsmmu-theme';
const known = new Map<string, string>();
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** A colour of the style sheet, as `rgb(...)`, in the current theme. */
export function colour(name: `--${string}`): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  known.set(name, color);
  return color;
}

/** The page's own choice, otherwise the system's. */
export function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? systemIsDark.matches : theme === 'dark';
}

/**
 * Chooses a theme for the page; `changed` is called, as for a change of the system's
 * theme.
 */
function setTheme(theme: 'dark' | 'light'): void {
  document.documentElement.dataset.theme = theme;
  systemIsDark.dispatchEvent(new Event('change'));
}

/** The theme of an earlier visit, if one was chosen. */
export function restoreTheme(): void {
  const theme = stored('localStorage', THEME_KEY);
  if (theme === 'dark' || theme === 'light') setTheme(theme);
}

/**
 * Switches between dark and light, and stores the choice for later visits if the page
 * may.
 */
export function toggleTheme(): void {
  const theme = isDark() ? 'light' : 'dark';
  store('localStorage', THEME_KEY, theme);
  setTheme(theme);
}

/** Calls `changed` when the colours have changed. */
export function onThemeChange(changed: () => void): void {
  systemIsDark.addEventListener('change', () => {
    known.clear();
    changed();
  });
}
