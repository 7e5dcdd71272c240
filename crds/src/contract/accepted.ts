import { dns253, expression, list, map, name63, nodeArchitectures } from './yaml-blocks.ts';

/** What both the API server and the parser accept: a name, and a specification as a user would write it. */
export const ACCEPTED: readonly (readonly [name: string, spec: string])[] = [
  ['nothing said: every default', '{}'],
  ['the default policy', '{mode: Audit, preference: {architectures: [amd64]}}'],
  [
    'the example of the documentation',
    `
      priority: 0
      namespaceSelector: {}
      podSelector: {}
      mode: Enforce
      architectures: [amd64, arm64]
      scaleFromZero: [arm64]
      preference: {architectures: [amd64], type: Require, weight: 100, allowOverride: true}
      rollout: {architecture: arm64, percent: 25}
      whenNoCommonArchitecture: Admit
      whenUnresolved: Gate
      fallbackArchitecture: amd64
      gateTimeout: 60s
      tolerateArchitectureTaints: true
      copyLabelsToNodeAffinity: []
      images: [{match: "registry.corp/legacy/*", platforms: ["linux/amd64"]}]
      remediation:
        action: Evict
        recheckInterval: 10m
        gracePeriodAfterScheduling: 30s
        maxEvictionsPerMinute: 60
        includeReady: false
        ownerKinds: []`,
  ],
  ['a field that is not known', '{later: {a: 1}, remediation: {later: 1}}'],
  ['blank where there is a default', 'podSelector:\nnamespaceSelector:\nremediation:\nmode:\nimages:\ngateTimeout:'],
  ['blank where there is no default', 'architectures:\npreference:\nrollout:\nfallbackArchitecture:'],
  ['blank below', 'podSelector: {matchLabels: {app: }, matchExpressions: }'],
  ['blank inside remediation', 'remediation: {action: , recheckInterval: }'],
  ['priority: lowest', 'priority: -2147483648'],
  ['priority: highest', 'priority: 2147483647'],
  ['selector: labels', 'podSelector: {matchLabels: {app: web, "app.kubernetes.io/name": Web_1.2-x}}'],
  ['selector: the empty value', 'podSelector: {matchLabels: {app: ""}}'],
  ['selector: the longest key and value', `podSelector: {matchLabels: {"${dns253}/${name63}": ${name63}}}`],
  ['selector: as many labels as may be', `podSelector: {matchLabels: ${map(16)}}`],
  ['selector: a namespace by name', 'namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}'],
  ['selector: In', expression('{key: app, operator: In, values: [web, ""]}')],
  ['selector: NotIn', expression('{key: app, operator: NotIn, values: [web, db]}')],
  ['selector: Exists', expression('{key: a/b, operator: Exists}')],
  ['selector: Exists with no value', expression('{key: app, operator: Exists, values: []}')],
  ['selector: DoesNotExist', expression('{key: app, operator: DoesNotExist}')],
  ['selector: empty parts', 'podSelector: {matchLabels: {}, matchExpressions: []}'],
  ['architectures: every one', `architectures: ${nodeArchitectures}`],
  ['scaleFromZero: within no list', 'scaleFromZero: [arm64, riscv64]'],
  ['scaleFromZero: none', '{architectures: [amd64], scaleFromZero: []}'],
  ['preference: in order', 'preference: {architectures: [arm64, amd64]}'],
  ['preference: weights', 'preference: {architectures: [arm64], type: Prefer, weight: 1, allowOverride: false}'],
  ['preference: within the list', '{architectures: [amd64, arm64], preference: {architectures: [arm64, amd64]}}'],
  ['rollout: nobody', 'rollout: {architecture: arm64, percent: 0}'],
  ['rollout: everybody', 'rollout: {architecture: arm64, percent: 100}'],
  ['whenUnresolved: Fallback with its architecture', '{whenUnresolved: Fallback, fallbackArchitecture: amd64}'],
  ['whenUnresolved: Deny, whenNoCommonArchitecture: Deny', '{whenUnresolved: Deny, whenNoCommonArchitecture: Deny}'],
  ['fallbackArchitecture with Gate', '{whenUnresolved: Gate, fallbackArchitecture: arm64}'],
  ['gateTimeout: shortest', 'gateTimeout: 5s'],
  ['gateTimeout: longest', 'gateTimeout: 10m'],
  ['gateTimeout: the longest in seconds', 'gateTimeout: 600s'],
  ['gateTimeout: of two parts', 'gateTimeout: 1m30s'],
  ['gateTimeout: the smaller unit first', 'gateTimeout: 30s1m'],
  ['copyLabelsToNodeAffinity: keys', 'copyLabelsToNodeAffinity: [pool, example.com/team]'],
  [
    'images: a host with a port, a digest',
    'images: [{match: "127.0.0.1:5000/a@sha256:*", platforms: [linux/arm/v7, windows/amd64]}]',
  ],
  ['images: an IPv6 host', 'images: [{match: "[::1]:5000/a", platforms: [linux/arm64/v8, wasi/wasm]}]'],
  ['images: as many as may be', `images: ${list(128, (n) => `{match: r/i${n}, platforms: [linux/amd64]}`)}`],
  ['remediation: Report', 'remediation: {action: Report}'],
  [
    'remediation: shortest',
    'remediation: {recheckInterval: 1m, gracePeriodAfterScheduling: 1s, maxEvictionsPerMinute: 1}',
  ],
  [
    'remediation: longest',
    'remediation: {recheckInterval: 24h, gracePeriodAfterScheduling: 1h, maxEvictionsPerMinute: 6000}',
  ],
  ['remediation: a minute in seconds', 'remediation: {recheckInterval: 60s}'],
  [
    'remediation: owner kinds',
    'remediation: {includeReady: true, ownerKinds: [argoproj.io/Rollout, apps.kruise.io/CloneSet]}',
  ],
];
