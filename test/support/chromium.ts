/** A real Chromium with a fresh profile, where there is one. */
import { existsSync } from 'node:fs'
import { chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const executable = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path))

/** Says so once where there is none: what a browser has to show is not shown then. */
export const hasChromium = executable !== undefined
if (!hasChromium)
  console.warn(
    'there is no Chromium (apt-get install chromium, or name one in CHROMIUM): its tests are left out',
  )

/** Closed when the test is over. */
export async function openPage(): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: executable!,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  onTestFinished(() => browser.close())
  const context = await browser.newContext()
  return await context.newPage()
}
