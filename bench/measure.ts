/** Small statistics, and CPU time of this process. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function sample(work: () => Promise<unknown>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - began, cpuMs: (user + system) / 1_000 };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export interface Line {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  readonly met: boolean;
}

/** Of a line that is told for what it is. */
export const known = { goal: 'known', met: true } as const;

export function spread(times: readonly number[]): string {
  const [middle, high] = [median(times), quantile(times, 0.95)];
  return `median ${middle.toFixed(0)} ms, p95 ${high.toFixed(0)} ms`;
}
