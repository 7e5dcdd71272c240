/**
 * Response bodies that are destroyed, for `no-restricted-syntax`: undici emits an 'error' event on them, and one without
 * a listener ends the process.
 */
export const destroyedBody = {
  selector: [
    "CallExpression[callee.property.name='destroy'][callee.object.property.name='body']",
    "CallExpression[callee.property.name='destroy'][callee.object.name='body']",
  ].join(', '),
  message: "A destroyed body emits an 'error' event, which ends the process: use discardBody, or dump().",
};
