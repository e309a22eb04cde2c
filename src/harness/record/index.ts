/**
 * harness/record: the format of recordings, and the recorder that sits between an executor and a live agent. In: bytes of both
 * sides. Out: the same bytes to the other side, unchanged, and a file of what they mean. It promises that the file holds no
 * token and is complete but for its last line whenever the recorder dies.
 */
export { REMOVED } from './derived-environment.ts';
export { Recorder, type Address, type RecorderOptions } from './recorder.ts';
export { essentialStates, readRecording, type Recording, type RecordingEntry, type RecordingHeader } from './recording.ts';
