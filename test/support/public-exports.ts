// SPDX-License-Identifier: MIT
// Everything that the package exports, through any entry.

import * as main from 'vsmmu';
import * as devices from 'vsmmu/devices';
import * as iommufd from 'vsmmu/iommufd';
import * as mock from 'vsmmu/iommufd/mock';
import * as smmuHost from 'vsmmu/iommufd/smmu';
import * as testing from 'vsmmu/testing';
import * as v86 from 'vsmmu/v86';

/** By name. */
export const EXPORTS: Readonly<Record<string, unknown>> = {
  ...main,
  ...devices,
  ...iommufd,
  ...mock,
  ...smmuHost,
  ...testing,
  ...v86,
};
