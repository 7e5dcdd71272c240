import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { LogLevel } from './config/schemas.ts';
import { sanitize } from './sanitize.ts';

/** The fields of a log line, in addition to its message. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes one JSON object per line. Messages are constant and variable parts are fields, so that lines can be searched and
 * counted. An error goes into the field `err`.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Returns a logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly name: string;
  readonly level: LogLevel;
  /** stdout by default, written synchronously so that the last line before an exit is not lost. */
  readonly destination?: DestinationStream;
}

/**
 * Creates a logger that passes every field through `sanitize`, including fields that `child` binds, so that redaction
 * cannot be bypassed. The return type is pino's, for libraries that need a pino logger; other code takes the narrower
 * `Logger`.
 */
export function createLogger({ name, level, destination }: LoggerOptions): PinoLogger {
  const options = {
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: sanitize },
    // `sanitize` converts errors to plain fields before pino sees them.
    serializers: { err: (fields: unknown) => fields },
  };
  const logger = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  // pino's formatters do not receive fields that are bound to a child. Children inherit this method from their parent.
  const { child } = Object.getPrototypeOf(logger) as Pick<PinoLogger, 'child'>;
  Object.defineProperty(logger, 'child', {
    value(this: PinoLogger, fields: LogFields) {
      return child.call(this, sanitize(fields));
    },
  });
  return logger;
}
