/** What a log line may carry beside its message. Values are flat; secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Levels as usual; `child` adds fields to every line. The implementation is in `create-logger.ts`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

const nothing = (): void => undefined;

/** A logger that says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLogger };
