import fc from 'fast-check';
import { eventValidatorOf } from '../../../../src/contracts/index.ts';
import { decadeOf, deviceFamily, monthOf, truncateIp } from '../../../../src/domain/privacy/coarsen.ts';

describe('an IP address', () => {
  test.each`
    address                                      | network
    ${'203.0.113.77'}                            | ${'203.0.113.0/24'}
    ${'0.0.0.0'}                                 | ${'0.0.0.0/24'}
    ${'2001:db8:1234:5678:9abc:def0:1234:5678'}  | ${'2001:db8:1234::/48'}
    ${'2001:0DB8:0000:0000:0000:0000:0000:0001'} | ${'2001:db8:0::/48'}
    ${'2001:db8::1'}                             | ${'2001:db8:0::/48'}
    ${'fe80::'}                                  | ${'fe80:0:0::/48'}
    ${'::1'}                                     | ${'0:0:0::/48'}
    ${'::'}                                      | ${'0:0:0::/48'}
    ${'1:2:3:4:5:6:7::'}                         | ${'1:2:3::/48'}
    ${'::ffff:203.0.113.77'}                     | ${'203.0.113.0/24'}
    ${'::FFFF:cb00:714d'}                        | ${'203.0.113.0/24'}
    ${'0:0:0:0:0:ffff:203.0.113.77'}             | ${'203.0.113.0/24'}
    ${'2002:cb00:714d::1'}                       | ${'203.0.113.0/24'}
    ${'64:ff9b::203.0.113.77'}                   | ${'64:ff9b:0::/48'}
    ${'::203.0.113.77'}                          | ${'0:0:0::/48'}
  `('$address is truncated to $network', ({ address, network }) => {
    expect(truncateIp(address)).toBe(network);
  });

  test('that the contract accepts is always truncated, whatever its last bits are', () => {
    const validate = eventValidatorOf('events/login/1');
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        fc.pre(validate({ userId: 'u', ip }));
        expect(truncateIp(ip)).toMatch(/^((\d{1,3}\.){3}0\/24|([0-9a-f]{1,4}:){3}:\/48)$/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a device', () => {
  test.each`
    family        | device
    ${'windows'}  | ${'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0'}
    ${'mac'}      | ${'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15'}
    ${'iphone'}   | ${'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1'}
    ${'tablet'}   | ${'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1'}
    ${'android'}  | ${'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36'}
    ${'android'}  | ${'Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36'}
    ${'linux'}    | ${'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0'}
    ${'chromeos'} | ${'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36'}
    ${'tv'}       | ${'Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36'}
    ${'bot'}      | ${'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'}
    ${'bot'}      | ${'Mozilla/5.0 (Linux; Android 6.0.1) Chrome/126.0 Mobile (compatible; bingbot/2.0)'}
    ${'bot'}      | ${'Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0'}
    ${'iphone'}   | ${'iOS 17.5'}
    ${'other'}    | ${'Microsoft Outlook 16'}
    ${'other'}    | ${"Jane Doe's fridge"}
  `('is $family: $device', ({ family, device }) => {
    expect(deviceFamily(device)).toBe(family);
  });

  test('of a megabyte is told at once', () => {
    for (const piece of ['mobile safari ', 'a', 'android', 'cu'])
      expect(deviceFamily(piece.repeat(100_000))).toBeDefined();
  });
});

test.each`
  year    | decade
  ${1979} | ${1970}
  ${1980} | ${1980}
  ${1989} | ${1980}
  ${2000} | ${2000}
`('a birth year $year becomes $decade', ({ year, decade }) => {
  expect(decadeOf(year)).toBe(decade);
});

test('a date becomes the first of its month', () => {
  expect(monthOf('2024-02-29')).toBe('2024-02-01');
});
