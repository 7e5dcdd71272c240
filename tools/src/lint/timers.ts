/**
 * Waiting that does not go through packages/async, for `no-restricted-syntax`: a test cannot control it, and each copy of
 * it has faults of its own. `setImmediate(callback)`, which schedules work and waits for nothing, is allowed.
 */
export const timers = [
  {
    selector:
      'CallExpression[callee.name=/^(setTimeout|setInterval)$/], ImportDeclaration[source.value=/^node:timers/]',
    message: 'Take a Clock (packages/async): a test must be able to control the time.',
  },
  {
    selector: "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
    message: 'Use withTimeout or BatchedTimeout (packages/async): they take a Clock.',
  },
  {
    selector: [
      "NewExpression[callee.name='Promise'] > Identifier[name='setImmediate']",
      "NewExpression[callee.name='Promise'] CallExpression[callee.name='setImmediate']",
    ].join(', '),
    message: 'Use yieldToEventLoop or PeriodicYield (packages/async).',
  },
  {
    selector: "CallExpression[callee.object.name='Promise'][callee.property.name='race']",
    message: 'Use waitAtMost or waitUnlessAborted (packages/async): what loses a race is never released.',
  },
  {
    selector: "CallExpression[callee.property.name='addEventListener'][arguments.0.value='abort']",
    message: 'Use onAbort (packages/async): it also calls back for a signal that has aborted.',
  },
];

/** The only implementation. */
export const timerImplementation = ['abort', 'clock', 'event-loop'].map((name) => `packages/async/src/${name}.ts`);
