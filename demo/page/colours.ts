// SPDX-License-Identifier: MIT
// Colours of the style sheet for what draws by itself: terminals, charts, the heat map.

const known = new Map<string, string>();
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** A colour of the style sheet, as `rgb(...)`, in the theme that holds now. */
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

/** The page's own choice, else the system's. */
export function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? systemIsDark.matches : theme === 'dark';
}

/** Chooses a theme for the page; `changed` hears of it, as it does when the system's changes. */
export function setTheme(theme: 'dark' | 'light'): void {
  document.documentElement.dataset.theme = theme;
  systemIsDark.dispatchEvent(new Event('change'));
}

/** Calls `changed` when the colours are others. */
export function onThemeChange(changed: () => void): void {
  systemIsDark.addEventListener('change', () => {
    known.clear();
    changed();
  });
}
