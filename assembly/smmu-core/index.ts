// The SMMU core: translation on behalf of bus masters. See docs/architecture.md.

export { accessBegin, accessEnd } from './in-flight';
export { translate } from './translate';
