import { RefusalSummary } from '../../../../src/domain/quality/refusal-summary.ts';

describe('a summary of refusals', () => {
  test('counts records by reason, the most frequent first, and names the first lines', () => {
    const summary = new RefusalSummary();
    const price = { path: '/price', rule: 'type number' };
    const name = { path: '/', rule: 'required name' };
    for (const line of [2, 5, 9, 14]) summary.add([price], line);
    summary.add([name, price], 20);
    expect(summary.groups()).toEqual([
      { ...price, records: 5, firstLines: [2, 5, 9] },
      { ...name, records: 1, firstLines: [20] },
    ]);
  });

  test('is empty where nothing was refused', () => {
    expect(new RefusalSummary().groups()).toEqual([]);
  });
});
