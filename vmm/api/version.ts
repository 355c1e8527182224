// SPDX-License-Identifier: MIT
// Versions of the interfaces, and their compatibility (docs/versions.md).

import { ABI_VERSION } from '../../assembly/layout/guest-abi.ts';
import { PACKAGE_VERSION } from '../../assembly/package-version.ts';
import { PLUGIN_INTERFACE_VERSION as PLUGIN } from '../../devices/plugin/index.ts';
import { TRACE_FORMAT_VERSION as TRACE } from '../trace/index.ts';

/** Version of the package. */
export const VERSION: string = PACKAGE_VERSION;
/**
 * Version of the guest ABI: a reactor exports it as `vsmmu_abi`; other versions are
 * refused.
 */
export const GUEST_ABI_VERSION: number = ABI_VERSION;
/**
 * Version of the plugin interface: a device states it as `interfaceVersion`. Version 1 is
 * accepted too; all others are refused.
 */
export const PLUGIN_INTERFACE_VERSION: number = PLUGIN;
/**
 * Version of trace files: `otherData.formatVersion`. Files of other versions are refused.
 */
export const TRACE_FORMAT_VERSION: number = TRACE;
/** Version of the output of `--json`, for every command: `formatVersion`. */
export const JSON_FORMAT_VERSION = 1;
/**
 * Version of configuration files: a file may state it as `formatVersion`; other versions
 * are refused.
 */
export const CONFIG_FORMAT_VERSION = 1;
