/** Short HTTP calls to a target that is starting: an answer that is late counts as none. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export async function call(url: string, options: Call = {}): Promise<Answer> {
  const response = await fetch(url, { ...options, signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

/** The answer's text, where the call went well. */
export async function expectOk(url: string, options: Call = {}): Promise<string> {
  const { status, text } = await call(url, options);
  if (status < 200 || status > 299) throw new Error(`${url} answered ${String(status)}: ${text}`);
  return text;
}
