// Versions that fit together or not.

import { ABI_VERSION } from '../../assembly/layout/guest-abi.ts';
import { PLUGIN_INTERFACE_VERSION as PLUGIN } from '../../devices/plugin/index.ts';

/** Version of the package. */
export const VERSION = '0.1.0';
/** Version of the guest ABI: a reactor exports it as `vsmmu_abi`, and one of another version is refused. */
export const GUEST_ABI_VERSION: number = ABI_VERSION;
/** Version of the plugin interface: a device states it as `interfaceVersion`, and one of another version is refused. */
export const PLUGIN_INTERFACE_VERSION: number = PLUGIN;
