import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { LogLevel } from './config/schemas.ts';
import { sanitize } from './sanitize.ts';

/** What a log line carries beside its message. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * One JSON object a line. Messages are constant, what varies is a field: so that lines can be counted and searched.
 * An error goes into the field `err`.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly name: string;
  readonly level: LogLevel;
  /** Where the lines go; stdout by default, written synchronously so that the last line before an exit is there. */
  readonly destination?: DestinationStream;
}

/**
 * A logger whose every field, bound ones included, passes through `sanitize`: there is no way around the redaction. It
 * is pino's own, for libraries that ask for that; our code takes the narrower `Logger`.
 */
export function createLogger({ name, level, destination }: LoggerOptions): PinoLogger {
  const options = {
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: sanitize },
    // `sanitize` has turned errors into plain fields before pino sees them.
    serializers: { err: (fields: unknown) => fields },
  };
  const logger = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  // pino's formatters do not see what is bound to a child; children inherit this from their parent.
  const { child } = Object.getPrototypeOf(logger) as Pick<PinoLogger, 'child'>;
  Object.defineProperty(logger, 'child', {
    value(this: PinoLogger, fields: LogFields) {
      return child.call(this, sanitize(fields));
    },
  });
  return logger;
}
