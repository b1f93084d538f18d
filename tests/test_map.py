"A map of a scene is opened by a browser that reaches nothing but the file."
import numpy as np, pytest, rasterio
from browser import CHROMIUM, Browser

pytest.importorskip('folium', reason='folium is not installed: no map is made')
pytestmark = pytest.mark.slow

@pytest.mark.skipif(not CHROMIUM, reason='no Chromium is installed: no map was opened')
def test_its_layers_are_shown_and_nothing_is_fetched(tmp_path):
    from srstudy.sr.leaflet import write_map
    layers = {}
    for name, metres in (('input', 10), ('output', 2.5)):
        place = dict(crs='EPSG:32633', transform=rasterio.Affine(metres, 0, 404_400, 0, -metres, 5_342_400))
        n = int(480/metres); layers[name] = tmp_path/f'{name}.tif'
        with rasterio.open(layers[name], 'w', driver='GTiff', count=3, height=n, width=n, dtype='uint8', **place) as f:
            f.write(np.random.default_rng(0).integers(1, 255, (3, n, n)).astype(np.uint8))
    page = write_map(layers, tmp_path/'map.html')
    with Browser(tmp_path/'home') as browser:
        browser.open(page.as_uri())
        browser.wait('document.querySelectorAll("img.leaflet-image-layer").length == 2')
        boxes = browser.do('[...document.querySelectorAll("img.leaflet-image-layer")].map(i => i.getBoundingClientRect().width)')
        assert min(boxes) > 100 and abs(boxes[0] - boxes[1]) < .1*boxes[0]
        names = browser.do('[...document.querySelectorAll(".leaflet-control-layers-overlays span")].map(s => s.textContent.trim())')
        assert [n for n in names if n] and {*layers} <= {n for n in names}
        fetched = browser.do('performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:"))')
        assert fetched == []
