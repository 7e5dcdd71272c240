import { defineAxes, HTTP_AXES } from '@archpolicy/testkit/fuzz';
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
  document: [
    'usual',
    'Status',
    'Status of a budget',
    'Status 410',
    'Status without fields',
    'Status with wrong types',
    'list without items',
    'items that are no list',
    'items that are no objects',
    'objects without metadata',
    'objects without names',
    'next page',
    'endless pages',
    'no resource version',
    'event without object',
    'event of unknown type',
    'ERROR event',
    'ERROR event 410',
    'ERROR event without object',
    'BOOKMARK',
    'DELETED',
    'event twice',
    'blank lines',
    'half an event',
    'a long line',
    'a number',
    'lease of another holder',
    'lease with wrong types',
    'prototype',
    'deep object',
  ],
  retryAfter: ['none', '1', '0', '-1', 'never', 'huge', 'date', 'two'],
  ...HTTP_AXES,
});

export type ApiAxes = typeof API_AXES;
export type ApiChoice = Choice<ApiAxes>;
