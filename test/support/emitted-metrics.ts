/** What a function emitted in the embedded metric format: of each line in its output the dimensions and values. */
export function emittedMetrics(output: string): Record<string, unknown>[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{"_aws":'));
  return lines.map((line) => {
    const { _aws, ...targets } = JSON.parse(line) as Record<string, unknown>;
    return targets;
  });
}
