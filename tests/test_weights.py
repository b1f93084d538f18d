"""Published weights: key maps against the key tables of the published networks, and one real checkpoint."""
import os, re
from pathlib import Path
import pytest, torch
from test_seesr_keys import text, unet, vae
from srstudy.sr.checkpoints import load_strict, read_checkpoint, rename_keys
from srstudy.sr.cards import WEIGHTS

def as_published(table, *pairs):
    for pattern, new in pairs: table = {re.sub(pattern, new, k): v for k, v in table.items()}
    return table

def test_vae_with_the_attention_names_of_its_time():
    old = as_published(vae(), *((rf'(mid_block\.attentions\.0)\.{new}\.', rf'\1.{old}.') for new, old in
                                (('to_q', 'query'), ('to_k', 'key'), ('to_v', 'value'), (r'to_out\.0', 'proj_attn'))))
    assert len(old.keys() - vae().keys()) == 16 and rename_keys(old, WEIGHTS['sd2_vae']) == vae()
    assert rename_keys(vae(), WEIGHTS['sd2_vae']) == vae() # today's names stay

def test_text_encoder_with_its_prefix():
    old = as_published(text(), ('^', 'text_model.')) | {'text_model.embeddings.position_ids': (1, 77)}
    assert rename_keys(old, WEIGHTS['sd2_text_encoder']) == text()

def test_unet_needs_no_map():
    assert rename_keys(unet(), WEIGHTS['seesr_unet']) == unet()

def test_ram_keeps_its_tagging_half():
    keys = 'visual_encoder.x', 'image_proj.weight', 'label_embed', 'wordvec_proj.weight', 'tagging_head.x', 'fc.weight'
    state = dict.fromkeys((*keys, 'tag_encoder.x', 'text_decoder.x'))
    assert tuple(rename_keys(state, WEIGHTS['ram'])) == keys

REAL = os.environ.get('SRSTUDY_REALWEIGHTS')

@pytest.mark.skipif(not REAL, reason='SRSTUDY_REALWEIGHTS is not set')
def test_a_real_checkpoint(tmp_path, monkeypatch):
    "Through a pickle as Real-ESRGAN publishes it, converted once, into the compact network."
    for name in ('WEIGHTS', 'CACHE'): monkeypatch.setenv(f'SRSTUDY_{name}', str(tmp_path/name))
    from srstudy.sr.nets import NETS, get_width
    card, real = WEIGHTS['realesr_general'], read_checkpoint(Path(REAL)/'realesr-general-x4v3.safetensors')
    torch.save({card.container: real}, tmp_path/card.file)
    for _ in range(2):
        state = rename_keys(read_checkpoint(tmp_path/card.file, card.container), card)
        assert state.keys() == real.keys() and all(torch.equal(state[k], real[k]) for k in real)
    with torch.device('meta'): net = NETS['realesr_general'].make()(**get_width('realesr_general', 'full'))
    load_strict(net, state, card.file)
    with torch.no_grad(): assert net(torch.full((1, 3, 8, 8), .5)).sub(.5).abs().max() < .1 # grey stays grey
    assert len(list((tmp_path/'CACHE').rglob('*.safetensors'))) == 1
