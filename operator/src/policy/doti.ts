import { createRequire } from 'node:module';
import type doti from '@dot-i/k8s-operator';

/**
 * The one place that loads @dot-i/k8s-operator (docs/adr/0030-dot-i-operator.md). It is CommonJS and requires
 * client-node, which is an ES module: `require` loads that pair wherever this runs, a static import does not under jest.
 */
const require = createRequire(import.meta.url);
const loaded = require('@dot-i/k8s-operator') as typeof doti;

/** The package's base class of operators. */
export const Operator = loaded.default;
export type { OperatorLogger, ResourceEvent, ResourceMeta } from '@dot-i/k8s-operator';

/** The values of the package's `ResourceEventType`, whose enum only exists where the package is loaded. */
export const EVENT_TYPES = loaded.ResourceEventType;
