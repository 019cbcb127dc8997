// Window sizes that the page is tested with.

export const SIZES = {
  wide: { width: 1440, height: 900 },
  tablet: { width: 820, height: 1080 },
  phone: { width: 360, height: 640 },
};
