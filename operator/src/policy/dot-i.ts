import { createRequire } from 'node:module';
import type doti from '@dot-i/k8s-operator';

/**
 * Loads @dot-i/k8s-operator. No other file loads it (docs/adr/0030-dot-i-operator.md). The package is CommonJS, but
 * requires client-node, which is an ES module. Because a static import of such a package fails under jest, this file
 * loads it with `require`.
 */
const require = createRequire(import.meta.url);
const loaded = require('@dot-i/k8s-operator') as typeof doti;

/** The package's base class of operators. */
export const Operator = loaded.default;
export type { OperatorLogger, ResourceEvent, ResourceMeta } from '@dot-i/k8s-operator';

/**
 * The values of the package's enum `ResourceEventType`. They are exported here, because only this file loads the
 * package.
 */
export const EVENT_TYPES = loaded.ResourceEventType;
