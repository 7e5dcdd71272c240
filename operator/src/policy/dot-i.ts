import { createRequire } from 'node:module';
import type doti from '@dot-i/k8s-operator';

/**
 * Loads @dot-i/k8s-operator. No other file loads it (docs/adr/0030-dot-i-operator.md). The package is CommonJS and
 * requires client-node, an ES module. `require` can load both in every runtime, but a static import fails under jest.
 */
const require = createRequire(import.meta.url);
const loaded = require('@dot-i/k8s-operator') as typeof doti;

/** The package's base class of operators. */
export const Operator = loaded.default;
export type { OperatorLogger, ResourceEvent, ResourceMeta } from '@dot-i/k8s-operator';

/** The values of the package's `ResourceEventType`. This enum exists only in a file that loads the package. */
export const EVENT_TYPES = loaded.ResourceEventType;
