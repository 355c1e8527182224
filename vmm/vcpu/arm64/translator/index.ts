export { Arm64Regions, HEAT, type Heat, MOST_REGIONS } from './hot-regions.ts';
