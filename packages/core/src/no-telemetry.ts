// Keeps ONNX Runtime from sending usage data, and from leaving a log of that in the folder for temporary files.

/** The environment variable by which ONNX Runtime is told, and its value. */
export const noTelemetry: Readonly<Record<string, string>> = { ORT_DISABLE_TELEMETRY: '1' };

/**
 * Tells every copy of ONNX Runtime that this process loads from now on, in threads too. To be called in the main
 * thread, since the environment of a worker thread is a copy that native code does not see. Does nothing in a browser,
 * and changes nothing where the variable is set.
 */
export function switchOffTelemetry(): void {
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env;
  if (environment) for (const [name, value] of Object.entries(noTelemetry)) environment[name] ??= value;
}
