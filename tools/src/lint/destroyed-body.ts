/**
 * A rule for `no-restricted-syntax` that finds calls that destroy a response body. undici then emits an 'error' event
 * on the body, which ends the process if there is no listener.
 */
export const destroyedBody = {
  selector: [
    "CallExpression[callee.property.name='destroy'][callee.object.property.name='body']",
    "CallExpression[callee.property.name='destroy'][callee.object.name='body']",
  ].join(', '),
  message: "A destroyed body emits an 'error' event, which ends the process: use discardBody, or dump().",
};
