/** What a log line may carry beside its message. Values are flat; secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Levels as usual; `child` adds fields to every line. The implementation is in `create-logger.ts`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
  /** From now on nothing below `level` is written, by this logger and all of its family: that from which it comes, and its children. */
  setLevel(level: LogLevel): void;
}

const nothing = (): void => undefined;

/** A logger that says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLogger, setLevel: nothing };
