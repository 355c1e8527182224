// SPDX-License-Identifier: MIT
// The registers of a target in GDB's format (GDB manual, appendix G).

import type { DebugRegister } from '../vcpu/index.ts';

/** A name of this project: GDB shows such registers without interpreting them. */
const SYSTEM_FEATURE = 'org.vsmmu.arm64.system';

const TYPES: Readonly<Record<string, string>> = { sp: 'data_ptr', pc: 'code_ptr' };

function line({ name, bits, group }: DebugRegister, number: number): string {
  const type = TYPES[name] ?? `uint${bits}`;
  // GDB restores registers after an inferior call, but must not restore system registers.
  const more = group === 'system' ? ' group="system" save-restore="no"' : '';
  return `<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"${more}/>`;
}

/** The target description in XML. */
export function targetDescription(registers: readonly DebugRegister[]): string {
  const lines = (group: DebugRegister['group']) =>
    registers
      .map((register, number) => (register.group === group ? line(register, number) : ''))
      .filter((text) => text !== '');
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    '<architecture>aarch64</architecture>',
    '<feature name="org.gnu.gdb.aarch64.core">',
    ...lines('core'),
    '</feature>',
    `<feature name="${SYSTEM_FEATURE}">`,
    ...lines('system'),
    '</feature>',
    '</target>',
    '',
  ].join('\n');
}
