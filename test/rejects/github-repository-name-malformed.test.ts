import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([
  '',
  'web',
  '/',
  'acme/',
  '/web',
  'acme/web/x',
  'acme//web',
  'acme/.',
  'acme/..',
  '../web',
  './web',
  'acme/we b',
  ' acme/web',
  'acme/web\n',
  'acme/web\r\nX-Injected: 1',
  'acme/web\0',
  'acme/web?x=1',
  'acme/web#x',
  'acme/web%2f..',
  'acme\\web',
  'acme/wéb',
  'acme/\u212Aey',
  '-acme/web',
  'acme-/web',
  'ac--me/web',
  `${'a'.repeat(40)}/web`,
  `acme/${'w'.repeat(101)}`,
])('a name that is no repository is refused: %j', (input) => {
  const { error } = github.detail.safeParse({
    type: 'github',
    repositories: [input],
    permissions: { contents: 'read' },
  })
  expect(error?.issues).toMatchObject([
    { message: expect.stringContaining('is not OWNER/REPOSITORY') as string },
  ])
})
