import { API_ANSWER_AXES, defineAxes } from '@archpolicy/testkit/fuzz';
import type { Choice } from '@archpolicy/testkit/fuzz';

/** What a response of the API server varies in, beside the form of an HTTP response. */
export const API_AXES = defineAxes({
  call: [
    'get',
    'list',
    'watch',
    'watch, first event only',
    'evict',
    'apply',
    'read lease',
    'write lease',
    'reflector',
    'reflector, later',
  ],
  ...API_ANSWER_AXES,
});

export type ApiAxes = typeof API_AXES;
export type ApiChoice = Choice<ApiAxes>;
