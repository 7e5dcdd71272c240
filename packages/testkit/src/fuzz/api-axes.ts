import { defineAxes } from './axes.ts';
import type { Choice } from './axes.ts';
import { HTTP_AXES } from './http-axes.ts';

/** What an answer of the API server varies in. */
export const API_ANSWER_AXES = defineAxes({
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

export type ApiAnswerAxes = typeof API_ANSWER_AXES;
export type ApiAnswerChoice = Choice<ApiAnswerAxes>;
