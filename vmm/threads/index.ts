export { SideCore, type SideCoreOptions } from './side-core.ts';
