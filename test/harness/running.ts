/** What the global setup leaves for the teardown, which runs in the same process. */
export const running: { stop: () => Promise<void> } = { stop: () => Promise.resolve() };
