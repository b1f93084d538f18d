"""SeeSR from published files to pixels, at a tiny width: ten files in the layouts of their publishers, found, pinned, renamed, merged
and fitted by the code that loads the real ones."""
import json, re
from dataclasses import replace
import numpy as np, pytest, torch
from safetensors.torch import save_file
from srstudy.core import seed_all
from srstudy.sr.ram import RAM, Tagger, build_ram, merge_lora, rename_ram
from srstudy.sr.seesr import SEESR, SeeSR, build_seesr, get_tokenizer, load_seesr, mini_tokenizer
from srstudy.sr.cards import WEIGHTS, WeightsError
from srstudy.sr.weights import weights_dir

OLD = dict(to_q='query', to_k='key', to_v='value', **{'to_out.0': 'proj_attn'})
TAGS = 'field', 'forest', 'lake'
pytestmark = pytest.mark.slow

def old_vae(key): return re.sub(r'(mid_block\.attentions\.0\.)(to_q|to_k|to_v|to_out\.0)', lambda m: m[1] + OLD[m[2]], key)

def official_ram(key):
    "Give a name of ours the name that RAM's checkpoint has for it."
    key = re.sub(r'layers\.(\d+)\.downsample', lambda m: f'layers.{int(m[1]) - 1}.downsample', key)
    layer = re.match(r'tagging_head\.(\d)\.(\w+)\.(\w+)', key)
    if not layer: return key
    part = dict(out='crossattention.output.dense', norm1='crossattention.output.LayerNorm', wide='intermediate.dense', narrow='output.dense',
                norm2='output.LayerNorm').get(layer[2], f'crossattention.self.{layer[2]}')
    return f'tagging_head.encoder.layer.{layer[1]}.{part}.{layer[3]}'

def random_dape(ram):
    pairs = {}
    for key, w in ram.items():
        if not re.search(r'attn\.qkv\.weight|self\.(query|key)\.weight', key): continue
        n = 2 if 'qkv' in key else 1; site = key.removesuffix('.weight'); out = len(w)*2//3 if n == 2 else len(w)
        pairs |= {f'{site}.lora_A': torch.randn(n*8, w.shape[1])*.1, f'{site}.lora_B': torch.randn(out, 8)*.1}
    return pairs

@pytest.fixture
def published(tmp_path, monkeypatch):
    "Write all files; return the networks that they are of."
    monkeypatch.setenv('SRSTUDY_WEIGHTS', str(tmp_path)); monkeypatch.delenv('SRSTUDY_WEIGHTS_LOCK', raising=False)
    for name, card in WEIGHTS.items(): monkeypatch.setitem(WEIGHTS, name, replace(card, size=None, sha256=''))
    text = SEESR['mini'].text | dict(vocab_size=515)
    spec = replace(SEESR['mini'], ram='full', steps=2, guidance=5.5, predicts='epsilon', spacing='leading', text=text)
    monkeypatch.setitem(SEESR, 'full', spec); monkeypatch.setitem(SEESR, 'turbo', replace(spec, guidance=1., spacing='trailing'))
    monkeypatch.setitem(RAM, 'full', replace(RAM['mini'], n_tags=3, tags=(), thresholds=()))
    seed_all(0); parts, turbo = build_seesr(spec), build_seesr(spec)['unet']; ram = build_ram(RAM['full'])
    def save(name, state): save_file({k: v.contiguous() for k, v in state.items()}, weights_dir()/WEIGHTS[name].file)
    save('seesr_unet', parts['unet'].state_dict()); save('seesr_controlnet', parts['controlnet'].state_dict())
    save('sd2_vae', {old_vae(k): v for k, v in parts['vae'].state_dict().items()})
    save('sd2_text_encoder', {f'text_model.{k}': v for k, v in parts['text'].state_dict().items()} | {'text_model.embeddings.position_ids': torch.arange(77)[None]})
    save('sd_turbo_unet', {k: v.half() for k, v in turbo.state_dict().items() if 'image_attentions' not in k})
    official = {official_ram(k): v for k, v in ram.state_dict().items()}; dape = random_dape(official)
    torch.save(dict(model=official | {'text_decoder.x': torch.ones(1)}, epoch=1), weights_dir()/WEIGHTS['ram'].file)
    torch.save(dape, weights_dir()/WEIGHTS['dape'].file)
    (weights_dir()/WEIGHTS['ram_tags'].file).write_text('\n'.join(TAGS)); (weights_dir()/WEIGHTS['ram_thresholds'].file).write_text('0.5\n0.4\n0.3\n')
    vocab = mini_tokenizer().get_vocab() | {'fi': 514}
    (weights_dir()/WEIGHTS['sd2_vocab'].file).write_text(json.dumps(vocab)); (weights_dir()/WEIGHTS['sd2_merges'].file).write_text('#version: 0.2\nf i\n')
    ram.load_state_dict(rename_ram(merge_lora(official, dape)))
    tagger = Tagger(replace(RAM['full'], tags=TAGS, thresholds=(.5, .4, .3)), ram)
    return parts, turbo, tagger, get_tokenizer(vocab, [('f', 'i')])

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 36, 36, 3), dtype=np.uint8)

def test_files_give_the_networks_that_they_are_of(published, capfd):
    parts, turbo, tagger, tokenizer = published
    model, sha = load_seesr('full')
    assert len(sha) == 64 and 'nobody has confirmed its hash' in capfd.readouterr().err
    assert model.tokenizer('field').input_ids[1] == 514 # the merge was read
    expected = SeeSR(SEESR['full'], parts, tagger, tokenizer)(IMAGES, ['a', 'b'])
    assert np.array_equal(model(IMAGES, ['a', 'b']), expected) and expected.std() > 1

def test_turbo_is_sd_turbo_with_the_image_attention_of_seesr(published):
    parts, turbo, tagger, tokenizer = published
    state = load_seesr('turbo')[0].unet.state_dict()
    for k, v in state.items():
        assert torch.equal(v, parts['unet'].state_dict()[k] if 'image_attentions' in k else turbo.state_dict()[k].half().float()), k

def test_stock_weights_are_not_taken_for_seesr(published):
    "What diffusers would load with a warning."
    stock = {k: v for k, v in published[0]['unet'].state_dict().items() if 'image_attentions' not in k}
    save_file(stock, weights_dir()/WEIGHTS['seesr_unet'].file)
    with pytest.raises(WeightsError, match='seesr_unet.* does not fit.* missing .*image_attentions'): load_seesr('full')
