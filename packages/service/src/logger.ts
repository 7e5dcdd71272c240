import { pino } from 'pino';
import type { DestinationStream } from 'pino';
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

/** A logger whose every field passes through `sanitize`: there is no way around the redaction. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // `sanitize` has turned errors into plain fields before pino sees them.
    serializers: { err: (fields: unknown) => fields },
  };
  const root =
    destination === undefined ? pino(options, pino.destination({ dest: 1, sync: true })) : pino(options, destination);
  return wrap(root, {});
}

type Write = (fields: object, message: string) => void;
type Sink = Readonly<Record<LogLevel, Write>> & { isLevelEnabled(level: string): boolean };

function wrap(sink: Sink, bound: LogFields): Logger {
  const at = (level: LogLevel) => (fields: LogFields, message: string) => {
    // Sanitizing costs more than the check: a disabled level is free.
    if (sink.isLevelEnabled(level)) sink[level](sanitize({ ...bound, ...fields }), message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(sink, { ...bound, ...fields }),
  };
}
