/**
 * What was counted at one moment. Bytes, nanoseconds of CPU, milliseconds since the epoch. Counters are plain numbers: beyond 2^53 ns (104
 * days of one CPU) they are exact to a few nanoseconds only, which no reader of a rate can tell.
 */
export interface CgroupSample {
  readonly at: number;
  readonly cpu: CpuSample;
  readonly memory: MemorySample;
  readonly processes?: number;
  readonly threads?: number;
  /** Absent: no limit. */
  readonly threadLimit?: number;
  readonly io: readonly IoSample[];
}

export interface CpuSample {
  readonly usageNs: number;
  readonly userNs?: number;
  readonly systemNs?: number;
  readonly periods?: number;
  readonly throttledPeriods?: number;
  readonly throttledNs?: number;
  readonly shares?: number;
  readonly periodUs?: number;
  /** Absent: no limit. */
  readonly quotaUs?: number;
}

export interface MemorySample {
  readonly usage: number;
  /** What cannot be taken away easily: usage without inactive file pages. */
  readonly workingSet: number;
  readonly rss?: number;
  readonly cache?: number;
  readonly mapped?: number;
  readonly swap?: number;
  readonly peak?: number;
  readonly limitFailures?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  /** Absent: no limit. */
  readonly limit?: number;
}

export interface IoSample {
  /** `major:minor`. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface InterfaceSample {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}
