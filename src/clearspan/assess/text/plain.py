"""Plain English words with which anything may be said again: they tell how something is put, not what."""

from __future__ import annotations

from clearspan.assess.text.words import stem

__all__ = ["is_plain"]

_WRITTEN = """
accept accord account achieve acquire act actual adapt additional adjust admit advance adopt affect afford age ago agree aim
almost alone already although altogether amount announce annual answer apart apparent appeal apply appoint appropriate approve
approximate argue arise arrange arrive aspect assert assign assist associate assume attach attempt attend attract avoid
award aware base basic bear became beginning behavior behaviour bigger biggest born both bought brief bring broad built
calm capable capacity care carry category cause cease celebrate center centre century certain challenge chance change characteristic charge
check choice choose chose chosen chief circumstance claim clear close collect combine comfort comment commence commit comparable complete
component comprise concern conclude condition conduct confirm connect consequence consist constitute contain
contribute control couple course cover currency current custom daily damage date deal decade decline decrease deep define degree delay deliver
demand demonstrate deny depart depend depict derive deserve desire despite destroy detail devote direct disappear
discover display distance distinct distribute divide dollar done double doubt dozen drop due duration duty earlier earliest earn
ease effort either element eliminate elsewhere emerge emphasize employ enable encounter encourage end engage enjoy enter entire environment
equal equip erect escape especial essential establish estimate euro event eventual evident exact examine exceed except exclude
execute exist expand explain expose express extend extra extreme factor fail fair famous far fast feature feet fell felt fewer
field figure fill final fine finish firm fit fix focus forecast foremost former forth forward found frequent full fully fund
further future gain gather gave general gentle gone got gradual grant greater greatest grew group guide half halfway handle hard
hardly head heard heavy height held hence high highlight hit host hour household huge idea ideal immediate implement imply
impress inch incident indeed individual influence initial inside insist instance instead intend interest
introduce invite involve item join journey just kept kilometer kilometre kind knew lack largely larger largest last late later latest
latter launch lay least led left length lie lift light like likely limit line link list live local locate location long look loss lost low
mainly maintain majority make manage manner mark mass match matter maximum meanwhile measure mere met meter metre method
mile mind minimum minor minute miss mistake mix modern moment month more mostly move much multiple multiply narrow natural
near nearby nearly neither nevertheless newly normal notable note notice now number numerous object oblige observe
obtain obvious occasion occur offer old older oldest once ongoing onto opinion opportunity oppose option ordinary organize
origin original otherwise overall own owner pair part partial participate partly particular pass past pay per percent
percentage perform perhaps period permanent permit person phase pick piece pill place plan plenty point portion position
possess practical precise prefer prepare presence present preserve press previous prices primary prime
principal prior probable proceed produce proper property proportion propose protect prove purchase pursue push put
quantity quarter question quick quiet quit quite raise ran range rank rapid rare rate rather reach react ready real realize rear
recall receive recent recognize recommend record recover refer reflect regard region regular
relate relation release relevant rely remain remark remind remote remove repeat replace represent require reserve
resemble resolve respect respond rest restore restrict retain retire retrieve return reveal review rise rose roughly round
route rule same save saw scale scarce scene schedule scope search season second secure seek seen select self sell
separate serious serve set settle several severe shape share sharp shift short shortly show shown shut sign significant
similar simple single sit site situate situation size slight slow small smaller smallest sold sole solely solid solve somewhat
soon sort sought source space spans special specify spend spent split spoke spot spread stage stand standard start
status stay step still stood strength strike strong structure struggle subject submit subsequent substantial succeed
sudden suffer sufficient suit sum supply suppose surround survive sustain switch system taken tall taller tallest target
task tend term therefore thorough though thought thousand threat throughout throw thus tie time together told took top
total toward towards trade transfer transform travel treat trend triple trouble try turn twice type typical ultimate unable
uncertain unclear under undergo understood undertake unique unit unless unlike until upper upon usage useful user usual utilize
valid value variety vary vast version very via view virtual visible visit visitor volume wait want warn
week weekly welcome went whatever whenever whereas wherever whether while whole wide widespread willing within
withdraw woke won wonder worth wrong wrote written yard yearly yet young younger youngest hundred million billion
advise affirm assure attest belief boost brought buy cite client collaborate comply compose conceive concise consequent
constant construct consult contact continuous convey correct correspond cost craft customer decide decision deem
describe desirable dimension directly discuss distant document easily effect efficient
elect enhance enlarge ensure equivalent evaluate exhibit expense explore factual feasible followed
forbid foster function given goal hail heavily honor honour identical illustrate improve impose inaugurate increasingly individual
inhabit initiate inspire install intention invest invent issue key known label largely leading lend
lengthy lesser letter level likewise lots lower mention mere mission monitor motive mutual
necessary net obey occupy occurrence offset operate optimum outcome output overcome oversee pace
perceive persist phrase pose possible potential predict prevent print prohibit promise promote prompt
proof purpose quote react reason reduce reject relief remainder repair reply request resist
resource responsible result revise reward rich risk role satisfy section sector segment sequence series shrink
simultaneous skill slope smooth state steady stem stop stress style succession superior surge surpass
swift terminate text theme thing tie tiny title tool topic track transition undergo unite unusual
update urge vital vote width withstand witness yield company business firm enterprise organisation organization staff employee worker
above across against ahead anybody anyone anything anyway anywhere aside away backward below beneath beside
everybody everyone everything everywhere nobody nothing nowhere onward outside somebody someone something somewhere upward upwards
animal artist birth catch child climb count crowd dead death dream drink drive drop eat exchange eye face father favor favour
feed fly follow food forget free fresh glad happy heart help hire hope human hurry hurt inside invest kid
lesson letter listen meal middle morning mother neighbor neighbour news night noise pain parent patient picture play pleasant plain
pour present proper protect push rain rate reader reduction regular research researcher rest ride rush sad safe scale
sense shape ship show sick sleep snow special speed spring suitable summer sun surface surprise sweet swim talk taste teach
thank tower train travel tree trip truth visit wake walk wall wash watch water wave weak weather weight wind window winter wish
participant participant advice agreement attention beginning behaviour benefit decision discussion education explanation
improvement information knowledge movement opinion production protection solution success treatment understanding
tourist sales money dose daily tablet medicine doctor prize laureate scientist city capital country nation town area land
"""

_PLAIN = frozenset(stem(word) for word in _WRITTEN.split())


def is_plain(word: str) -> bool:
    """Whether a word (folded), in any of its forms, is one that a retelling may use of its own accord."""
    return stem(word) in _PLAIN
