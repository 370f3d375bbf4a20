/** A function that derives a value of an object once, and remembers it for as long as the object is held elsewhere. */
export function oncePer<Key extends object, Value extends object>(derive: (key: Key) => Value): (key: Key) => Value {
  const derived = new WeakMap<Key, Value>();
  return (key) => {
    const known = derived.get(key);
    if (known) return known;
    const value = derive(key);
    derived.set(key, value);
    return value;
  };
}
