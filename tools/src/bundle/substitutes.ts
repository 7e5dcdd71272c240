import type { Plugin } from 'esbuild';

/** The source of a module, and the file name that its imports are resolved from. */
interface Substitute {
  /** Matches the imported path. */
  readonly filter: RegExp;
  /** Matches the importing file. */
  readonly importer: RegExp;
  readonly source: string;
}

/**
 * The modules that the bundles contain instead of others.
 *
 * `@kubernetes/client-node` is 10 MB of generated clients, which take most of the time and memory of a start. The bundles
 * contain what reads kubeconfigs, and what @dot-i/k8s-operator needs in order to load: it creates a client of the class
 * `CoreV1Api`, which ArchPolicy does not use.
 */
const SUBSTITUTES: Readonly<Record<string, Substitute>> = {
  'client-node': {
    filter: /^@kubernetes\/client-node$/u,
    importer: /./u,
    source: `
      export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
      export { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js';
      export class CoreV1Api {}`,
  },
  'client-node-generated': {
    filter: /\/gen\/index\.js$/u,
    importer: /client-node\/dist\/config\.js$/u,
    source: `
      export { createConfiguration } from '@kubernetes/client-node/dist/gen/configuration.js';
      export { ServerConfiguration } from '@kubernetes/client-node/dist/gen/servers.js';`,
  },
  // operator/src/policy/dot-i.ts loads the package by createRequire, which esbuild does not follow.
  'dot-i': {
    filter: /\/dot-i\.ts$/u,
    importer: /operator\/src\/policy\/[^/]*$/u,
    source: `export { default as Operator, ResourceEventType as EVENT_TYPES } from '@dot-i/k8s-operator';`,
  },
  // The operator replaces the transport of gaxios. node-fetch brings 400 KB, and a deprecation warning at each start.
  'node-fetch': {
    filter: /^node-fetch$/u,
    importer: /node_modules\/gaxios\//u,
    source: `
      export default () => Promise.reject(new Error('gaxios has no transport of its own in the bundle'));`,
  },
};

const NAMESPACE = 'substitute';

/** The paths of substitutes in esbuild's list of inputs begin with this text. */
export const SUBSTITUTE = `${NAMESPACE}:`;

/** Replaces modules in the bundles. `root` is the top of the checkout. */
export function substitutes(root: string): Plugin {
  return {
    name: NAMESPACE,
    setup(build) {
      for (const [name, { filter, importer }] of Object.entries(SUBSTITUTES)) {
        // esbuild runs filters in Go, which does not know the flag u.
        build.onResolve({ filter: new RegExp(filter.source) }, (args) =>
          importer.test(args.importer) && args.namespace !== NAMESPACE
            ? { path: name, namespace: NAMESPACE }
            : undefined,
        );
      }
      build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => ({
        contents: SUBSTITUTES[path]?.source ?? '',
        resolveDir: root,
      }));
    },
  };
}
