import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoOf } from './instant.ts';
import { readerOf, timesInNames } from './time-in-name.ts';

const found = (stem: string, timeZone = 'UTC'): string | undefined => {
  const time = timesInNames([stem], timeZone)?.times[0];
  return time && isoOf(time.instant);
};

describe('the time in a name', () => {
  test.each([
    ['cam1_20240131_234000', '2024-01-31T23:40:00Z'],
    ['2024-03-01T09-59-58.500Z', '2024-03-01T09:59:58.500Z'],
    ['2024-03-01T09-59-58-500Z', '2024-03-01T09:59:58.500Z'],
    ['IMG_20240312_233002', '2024-03-12T23:30:02Z'],
    ['PXL_20240312_233002123', '2024-03-12T23:30:02.123Z'],
    ['20240312233002', '2024-03-12T23:30:02Z'],
    ['2024_03_12_23_30_02', '2024-03-12T23:30:02Z'],
    ['2024-03-12 23h30m02s', '2024-03-12T23:30:02Z'],
    ['Screenshot 2024-03-12 at 23.30.02', '2024-03-12T23:30:02Z'],
    ['radar_20240131_2340', '2024-01-31T23:40:00Z'],
    ['20240312T233002+0200', '2024-03-12T21:30:02Z'],
    ['20240312T233002-0330', '2024-03-13T03:00:02Z'],
    ['2024-03-12T23:30:02+02:00', '2024-03-12T21:30:02Z'],
    ['20240312_233002-0030', '2024-03-12T23:30:02Z'],
    ['S2_2024-02-22', '2024-02-22T00:00:00Z'],
    ['IMG-20240312-WA0001', '2024-03-12T00:00:00Z'],
    ['S2A_MSIL1C_20240222T101501_N0510_R022_T33UUP_20240222T120000', '2024-02-22T10:15:01Z'],
    ['LC08_L1TP_193023_20240222_20240229_02_T1', '2024-02-22T00:00:00Z'],
    ['OR_ABI-L1b-RadC-M6C01_G16_s20240530930210_e20240530932583_c20240530933036', '2024-02-22T09:30:21Z'],
    ['MOD021KM.A2024053.0930.061.2024054', '2024-02-22T09:30:00Z'],
    ['MOD13Q1.A2024366', '2024-12-31T00:00:00Z'],
    ['1305031102.175304', '2011-05-10T12:38:22.175304Z'],
    ['1305031102175303936', '2011-05-10T12:38:22.175303936Z'],
    ['1706659200', '2024-01-31T00:00:00Z'],
    ['frame_1706659200123', '2024-01-31T00:00:00.123Z'],
    ['Screenshot 2024-03-12 at 11.30.02 PM', '2024-03-12T23:30:02Z'],
    ['Screenshot 2024-03-12 at 9.30.02\u202fAM', '2024-03-12T09:30:02Z'],
    ['scan_2024-03-12_12-05-00_am', '2024-03-12T00:05:00Z'],
    ['20240312_113002PM', '2024-03-12T23:30:02Z'],
    ['20240312_113002_pmx', '2024-03-12T11:30:02Z'],
    ['20240312_233002_pm', '2024-03-12T23:30:02Z'],
    ['cam_31-01-2024_23-59', '2024-01-31T23:59:00Z'],
    ['31.01.2024', '2024-01-31T00:00:00Z'],
    ['01.02.2024', '2024-02-01T00:00:00Z'],
    ['cam_01-31-2024', '2024-01-31T00:00:00Z'],
    ['240312_233002_F', '2024-03-12T23:30:02Z'],
    ['ndvi_2023-12', '2023-12-01T00:00:00Z'],
    ['ndvi_2024-01_10m', '2024-01-01T00:00:00Z'],
    ['20240312233002123456', '2024-03-12T23:30:02.123456Z'],
    ['2024031223300212', '2024-03-12T23:30:02.120Z'],
    ['20240312-23:30:02:123', '2024-03-12T23:30:02.123Z'],
    ['2024-03-12T23_30_02_123Z', '2024-03-12T23:30:02.123Z'],
    ['era5_2024031223', '2024-03-12T23:00:00Z'],
    ['2024-03-12T06Z', '2024-03-12T06:00:00Z'],
    ['cam_2024_03_12__23_30_02', '2024-03-12T23:30:02Z'],
    ['3B-HHR.MS.MRG.3IMERG.20240222-S001500-E002959.0015.V07B', '2024-02-22T00:15:00Z'],
    ['frame_1710284999_123456789', '2024-03-12T23:09:59.123456789Z'],
    ['31012024_234000', '2024-01-31T23:40:00Z'],
    ['2024-3-1', '2024-03-01T00:00:00Z'],
    ['cam 12-Mar-2024 23.30.02', '2024-03-12T23:30:02Z'],
    ['2024-Jan-31', '2024-01-31T00:00:00Z'],
    ['March 5, 2024', '2024-03-05T00:00:00Z'],
    ['ndvi_Sept2024', '2024-09-01T00:00:00Z'],
  ])('%s is %s', (name, iso) => expect(found(name)).toBe(iso));

  test.each([
    'frame-000001',
    '0616',
    'DSC_9999',
    'IMG_20241332_120000',
    '2024-02-30',
    'S2_2023366x',
    'MOD13Q1.A2023366',
    '123456789',
    '19000101123',
    '01-02-2024',
    '32.01.2024',
    '240312_243002',
    'run_2024-13',
    '31SEPT2024',
    'summary2024x',
  ])('%s carries none', (name) => expect(found(name)).toBeUndefined());

  test('is that of the clocks of the time zone, unless it has an offset of its own', () => {
    expect(found('20240312_233002', 'Europe/Berlin')).toBe('2024-03-12T22:30:02Z');
    expect(found('20240712_233002', 'Europe/Berlin')).toBe('2024-07-12T21:30:02Z');
    expect(found('20240712_233002', '+05:30')).toBe('2024-07-12T18:00:02Z');
    expect(found('2024-03-12T23-30-02Z', 'Europe/Berlin')).toBe('2024-03-12T23:30:02Z');
    // Twice on 27 October: the first of the two; never on 31 March: what comes of counting on.
    expect(found('20241027_023000', 'Europe/Berlin')).toBe('2024-10-27T00:30:00Z');
    expect(found('20241027_033000', 'Europe/Berlin')).toBe('2024-10-27T02:30:00Z');
    expect(found('20240331_033000', 'Europe/Berlin')).toBe('2024-03-31T01:30:00Z');
  });

  test('of any moment is read back, in each notation', () => {
    const moments = fc.date({
      min: new Date('2002-01-01T00:00:00Z'),
      max: new Date('2035-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (date) => {
        const iso = date.toISOString();
        const seconds = `${iso.slice(0, 19)}Z`;
        const [day, time] = [iso.slice(0, 10).replaceAll('-', ''), iso.slice(11, 19).replaceAll(':', '')];
        const whole = iso.replace('.000Z', 'Z');
        expect(found(`cam2_${day}_${time}_001`)).toBe(seconds);
        expect(found(`${day}T${time}Z`)).toBe(seconds);
        expect(found(`${day}${time}`)).toBe(seconds);
        expect(found(iso.replaceAll(':', '-'))).toBe(whole);
        expect(found(String(date.getTime()))).toBe(whole);
        expect(found(`${date.getTime()}000000`)).toBe(whole);
        expect(found(`tile.${Math.floor(date.getTime() / 1000)}`)).toBe(seconds);
        expect(found(`x ${iso.slice(0, 10)} y`)).toBe(`${iso.slice(0, 10)}T00:00:00Z`);
        expect(found(`${iso.slice(2, 10).replaceAll('-', '')}_${time}`)).toBe(seconds);
        expect(found(`${iso.slice(8, 10)}.${iso.slice(5, 7)}.${iso.slice(0, 4)} ${iso.slice(11, 19)}`)).toBe(seconds);
        const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
        expect(found(`${iso.slice(8, 10)}${month[date.getUTCMonth()]}${iso.slice(0, 4)}_${time}`)).toBe(seconds);
        expect(found(`${day}${iso.slice(11, 13)}`)).toBe(`${iso.slice(0, 13)}:00:00Z`);
        expect(found(`x_${iso.slice(0, 7)}`)).toBe(`${iso.slice(0, 7)}-01T00:00:00Z`);
        const hour = date.getUTCHours();
        const clock = `${hour % 12 || 12}${iso.slice(13, 19).replaceAll(':', '.')} ${hour < 12 ? 'AM' : 'PM'}`;
        expect(found(`Screenshot ${iso.slice(0, 10)} at ${clock}`)).toBe(seconds);
      }),
    );
  });
});

describe('the times in the names of a folder', () => {
  test('are those of the notation that most names have', () => {
    // A counter after the date looks like a time in some of the names.
    const names = Array.from({ length: 100 }, (_, i) => `S2_20240222_${String(i).padStart(4, '0')}`);
    const times = timesInNames(names, 'UTC')!;
    expect(times).toMatchObject({ what: 'date', missing: 0 });
    expect(times.times[7]!.rest).toBe('S2_ _0007');
  });

  test('may be missing in a few, and are none where most have none', () => {
    expect(timesInNames(['cover', '20240101_000000', '20240102_000000'], 'UTC')!.missing).toBe(1);
    expect(timesInNames(['a1', 'a2', '20240101_000000'], 'UTC')).toBeUndefined();
    expect(timesInNames([], 'UTC')).toBeUndefined();
  });

  test('tell day and month apart where one name can be read in one way only, and are none where nobody can', () => {
    const isos = (names: string[]): string[] | undefined =>
      timesInNames(names, 'UTC')?.times.map((time) => isoOf(time!.instant).slice(0, 10));
    expect(isos(['31-01-2024', '01-02-2024'])).toEqual(['2024-01-31', '2024-02-01']);
    expect(isos(['01-31-2024', '02-01-2024'])).toEqual(['2024-01-31', '2024-02-01']);
    expect(isos(['01-02-2024', '03-04-2024'])).toBeUndefined();
    expect(isos(['31-01-2024', '01-31-2024'])).toBeUndefined();
  });

  test('that could as well be counters count only where every name has them', () => {
    const months = Array.from({ length: 14 }, (_, i) => `img_2024_${String(i + 1).padStart(2, '0')}`);
    expect(timesInNames(months.slice(0, 12), 'UTC')).toMatchObject({ what: 'month', missing: 0 });
    expect(timesInNames(months, 'UTC')).toBeUndefined();
    // Eight digits behind a date are no hundredths of a second.
    const long = Array.from({ length: 20 }, (_, i) => `20240312_${String(i).padStart(8, '0')}`);
    expect(timesInNames(long, 'UTC')).toMatchObject({ what: 'date', missing: 0 });
    const counters = Array.from({ length: 70 }, (_, i) => `210415_${String(i).padStart(6, '0')}`);
    expect(timesInNames(counters, 'UTC')).toBeUndefined();
  });

  test('come from an expression of one’s own', () => {
    const read = readerOf(/d(?<day>\d\d)m(?<month>\d\d)y(?<year>\d{4})/);
    expect(isoOf(read('d24m12y2023_b', 'UTC')!.instant)).toBe('2023-12-24T00:00:00Z');
    expect(read('d32m12y2023', 'UTC')).toBeUndefined();
    const named = readerOf(/(?<day>\d\d)(?<month>[a-z]+)(?<year>\d{4})/);
    expect(isoOf(named('24dec2023', 'UTC')!.instant)).toBe('2023-12-24T00:00:00Z');
    expect(named('24box2023', 'UTC')).toBeUndefined();
    const epoch = readerOf(/t(?<epoch>\d+)(?:_(?<fraction>\d+))?/);
    expect(isoOf(epoch('t100_5', 'UTC')!.instant)).toBe('1970-01-01T00:01:40.500Z');
  });
});
