import { describe } from 'vitest'
import { storeContract } from '../contract/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

describe('the SQLite store', () => {
  storeContract(() => sqliteStore(), true)
})
