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
];

/** The only implementation. */
export const timerImplementation = ['packages/async/src/clock.ts', 'packages/async/src/event-loop.ts'];
