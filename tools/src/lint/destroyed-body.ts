/**
 * Finds destroyed response bodies, for `no-restricted-syntax`: undici then emits an 'error' event, which ends the process if
 * it has no listener.
 */
export const destroyedBody = {
  selector: [
    "CallExpression[callee.property.name='destroy'][callee.object.property.name='body']",
    "CallExpression[callee.property.name='destroy'][callee.object.name='body']",
  ].join(', '),
  message: "A destroyed body emits an 'error' event, which ends the process: use discardBody, or dump().",
};
