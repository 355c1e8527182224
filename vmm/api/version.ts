// SPDX-License-Identifier: MIT
// Versions that fit together or not (docs/versions.md).

import { ABI_VERSION } from '../../assembly/layout/guest-abi.ts';
import { PACKAGE_VERSION } from '../../assembly/package-version.ts';
import { PLUGIN_INTERFACE_VERSION as PLUGIN } from '../../devices/plugin/index.ts';
import { TRACE_FORMAT_VERSION as TRACE } from '../trace/index.ts';

/** Version of the package. */
export const VERSION: string = PACKAGE_VERSION;
/** Version of the guest ABI: a reactor exports it as `vsmmu_abi`, and one of another version is refused. */
export const GUEST_ABI_VERSION: number = ABI_VERSION;
/**
 * Version of the plugin interface: a device states it as `interfaceVersion`. Version 1 is
 * taken as well, every other one is refused.
 */
export const PLUGIN_INTERFACE_VERSION: number = PLUGIN;
/** Version of trace files: `otherData.formatVersion`. A file of another version is refused. */
export const TRACE_FORMAT_VERSION: number = TRACE;
/** Version of what `--json` prints, of every command: `formatVersion`. */
export const JSON_FORMAT_VERSION = 1;
/** Version of configuration files: a file may state it as `formatVersion`, and one of another version is refused. */
export const CONFIG_FORMAT_VERSION = 1;
