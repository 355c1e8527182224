export { Arm64Regions } from './hot-regions.ts';
