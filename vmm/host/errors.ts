import { VsmmuError } from '../machine/index.ts';

export type HostFault = 'no-vmid' | 'no-vintf' | 'no-window' | 'no-context' | 'no-ram' | 'no-stream' | 'no-thread' | 'timeout' | 'in-use';

/** A host could not do what it was asked for. The message is one line that can be shown to a user. */
export class HostError extends VsmmuError {
  override readonly name = 'HostError';
  readonly code: HostFault;

  constructor(code: HostFault, message: string) {
    super(message);
    this.code = code;
  }
}
