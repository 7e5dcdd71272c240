export { jsonOrUndefined, parseJson } from './parse-json.ts';
export { describeParseError, formatPosition, isParseError } from './parse-problem.ts';
export type { TextPosition } from './parse-problem.ts';
