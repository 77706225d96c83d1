/** For plain data only: a class that keeps state in fields would break. */
export function deepFreeze<T>(data: T): T {
  if (typeof data === 'object' && data !== null && !Object.isFrozen(data))
    Object.values(Object.freeze(data)).forEach(deepFreeze)
  return data
}
