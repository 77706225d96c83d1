import { expect, it } from 'vitest'
import { loadAgent, onlyFault } from '../support/installation.ts'

it.each(['2027-02-29', '2027-6-30', 'never', 20270630])(
  'a review date that no calendar has is refused: %s',
  async (written) => {
    expect(onlyFault(await loadAgent({ review_by: written })).path).toBe('review_by')
  },
)
