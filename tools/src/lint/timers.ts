/**
 * Rules for `no-restricted-syntax` that find waits that bypass packages/async. Tests cannot control such waits, and
 * each copy of such code has its own faults. `setImmediate(callback)` is allowed, because it schedules work without
 * waiting.
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
    message: 'Use waitAtMost or waitUnlessAborted (packages/async): Promise.race never releases the losers.',
  },
  {
    selector: "CallExpression[callee.property.name='addEventListener'][arguments.0.value='abort']",
    message: 'Use onAbort (packages/async): it also calls back if the signal has already aborted.',
  },
];

/** The only files that may use timers directly. */
export const timerImplementation = ['abort', 'clock', 'event-loop'].map((name) => `packages/async/src/${name}.ts`);
