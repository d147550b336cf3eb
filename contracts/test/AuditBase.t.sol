// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditManager} from "../src/AuditManager.sol";
import {BlockRandomness} from "../src/BlockRandomness.sol";
import {CaseDocket} from "../src/CaseDocket.sol";
import {ChallengeManager} from "../src/ChallengeManager.sol";
import {JudgeCommittee} from "../src/JudgeCommittee.sol";
import {StressGauge} from "../src/StressGauge.sol";
import {VerifierRegistry} from "../src/VerifierRegistry.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IJudgeCommittee} from "../src/interfaces/IJudgeCommittee.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IStressGauge} from "../src/interfaces/IStressGauge.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {Base} from "./Base.t.sol";
import {BatchesStandIn} from "./audits/BatchesStandIn.sol";
import {BlockHeaders} from "./audits/BlockHeaders.sol";
import {FaultsStandIn} from "./audits/FaultsStandIn.sol";
import {MeasuresStandIn} from "./audits/MeasuresStandIn.sol";
import {ReceiptTree} from "./audits/ReceiptTree.sol";

/// @notice One operator whose batches are audited, seven that can judge it, and cases in every stage.
abstract contract AuditBase is Base {
    uint64 internal constant AUDITOR_ROLE = 3;
    uint64 internal constant CANARY_ROLE = 6;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant SEATS = 5;
    uint64 internal constant DELAY = 4;
    uint64 internal constant WINDOW = 256;
    uint128 internal constant BOND = 6 ether;
    uint32 internal constant ANSWER_WINDOW = 1 days;
    uint32 internal constant GRACE = 2 days;
    uint32 internal constant PROOF_WINDOW = 1 days;
    uint32 internal constant COMMIT_WINDOW = 12 hours;
    uint32 internal constant REVEAL_WINDOW = 6 hours;
    uint32 internal constant CANARY_WINDOW = 1 days;
    uint32 internal constant DISPUTE_WINDOW = 7 days;
    uint32 internal constant MAX_CHALLENGES = 3;
    uint64 internal constant STEP = 1 hours;
    uint256 internal constant COLLATERAL = 1000 ether;
    uint128 internal constant RISK = 10 ether;
    uint32 internal constant RECEIPTS = 11;
    bytes32 internal constant JUDGES_DOMAIN = "gcp/us-east1";
    bytes32 internal constant WRONG = "a wrong output";

    address internal canary = makeAddr("canary");
    address internal challenger = makeAddr("challenger");
    address internal operator;

    BatchesStandIn internal batches;
    FaultsStandIn internal faults;
    MeasuresStandIn internal measures;
    BlockRandomness internal randomness;
    VerifierRegistry internal verifiers;
    JudgeCommittee internal judges;
    StressGauge internal gauge;
    CaseDocket internal docket;
    AuditManager internal auditManager;
    ChallengeManager internal challenges;

    /// @dev The batch that `_settleReceipts` settled last, and what is in its tree.
    uint256 internal batchId;
    IBatches.Batch internal batch;
    IReceipts.Receipt[] internal receipts;
    bytes32[] internal tree;

    function setUp() public virtual override {
        super.setUp();
        _deployAudits();
        operator = _registerOperator("operator");
        batches.cover(operator, COLLATERAL, 0);
        for (uint256 i = 0; i < 7; ++i) {
            _registerJudge(string.concat("judge ", vm.toString(i)));
        }
        _warpTo(_periodStart(2));
    }

    function _auditParameters() internal pure virtual returns (ICaseDocket.Parameters memory) {
        return ICaseDocket.Parameters({
            minProbability: 0.01e18,
            bond: BOND,
            maxChallenges: MAX_CHALLENGES,
            answerWindow: ANSWER_WINDOW,
            grace: GRACE,
            proofWindow: PROOF_WINDOW,
            commitWindow: COMMIT_WINDOW,
            revealWindow: REVEAL_WINDOW,
            canaryWindow: CANARY_WINDOW,
            disputeWindow: DISPUTE_WINDOW
        });
    }

    function _stressParameters() internal pure returns (IStressGauge.Parameters memory) {
        return IStressGauge.Parameters({step: STEP, backlogCapacity: 100});
    }

    function _system() internal view returns (ICaseDocket.System memory) {
        return ICaseDocket.System({
            settlement: _settlement(),
            operatorRegistry: operatorRegistry,
            modelRegistry: modelRegistry,
            stakeVault: vault,
            uptimeLedger: ledger,
            faults: _faults(),
            verifierRegistry: verifiers,
            judgeCommittee: judges,
            stressGauge: gauge
        });
    }

    /// @dev Where a test wants states that the real contracts reach only by detours, these stand in for them; what the real
    ///      ones make of verdicts is tested in `Audits.t.sol`.
    function _settlement() internal view virtual returns (IInferenceSettlement) {
        return IInferenceSettlement(address(batches));
    }

    function _faults() internal view virtual returns (IFaults) {
        return faults;
    }

    function _faultTerms(IFaults.Fault fault) internal pure returns (IFaults.Terms memory) {
        return IFaults.Terms({
            earningsBps: 10_000,
            principalBps: uint16(1000 + uint8(fault)),
            correlatedBps: 0,
            cutBps: 2000,
            tombstone: false,
            jailSeconds: 1 days
        });
    }

    function _deployAudits() private {
        batches = new BatchesStandIn(address(feeToken));
        faults = new FaultsStandIn();
        for (uint8 i = 0; i <= uint8(type(IFaults.Fault).max); ++i) {
            faults.changeTerms(IFaults.Fault(i), _faultTerms(IFaults.Fault(i)));
        }
        measures = new MeasuresStandIn();
        measures.measure(1000 ether, 0, 0);
        randomness = BlockRandomness(_create("BlockRandomness", abi.encode(DELAY, WINDOW)));
        verifiers = VerifierRegistry(_create("VerifierRegistry", abi.encode(modelRegistry)));
        judges =
            JudgeCommittee(_create("JudgeCommittee", abi.encode(accessManager, operatorRegistry, vault, randomness)));
        gauge = StressGauge(
            _create(
                "StressGauge", abi.encode(accessManager, measures, measures, _faults(), ledger, _stressParameters())
            )
        );
        docket = CaseDocket(_create("CaseDocket", abi.encode(accessManager, _system(), _auditParameters())));
        auditManager = AuditManager(_create("AuditManager", abi.encode(docket, randomness)));
        challenges = ChallengeManager(_create("ChallengeManager", abi.encode(accessManager, docket)));
        vm.startPrank(admin);
        _allow(address(judges), judges.request.selector, AUDITOR_ROLE);
        _allow(address(gauge), gauge.recordBatch.selector, AUDITOR_ROLE);
        _allow(address(gauge), gauge.recordOpened.selector, AUDITOR_ROLE);
        _allow(address(gauge), gauge.recordClosed.selector, AUDITOR_ROLE);
        _allow(address(gauge), gauge.changeParameters.selector, GOVERNOR);
        _allow(address(docket), docket.changeParameters.selector, GOVERNOR);
        _allow(address(challenges), challenges.plantCanary.selector, CANARY_ROLE);
        _allow(address(docket), docket.open.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.awaitAnswer.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.judge.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.withhold.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.close.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.void.selector, AUDITOR_ROLE);
        _allow(address(docket), docket.punishEquivocation.selector, AUDITOR_ROLE);
        accessManager.grantRole(AUDITOR_ROLE, address(docket), 0);
        accessManager.grantRole(JUDGE, address(docket), 0);
        accessManager.grantRole(AUDITOR_ROLE, address(auditManager), 0);
        accessManager.grantRole(AUDITOR_ROLE, address(challenges), 0);
        accessManager.grantRole(CANARY_ROLE, canary, 0);
        vm.stopPrank();
    }

    function _allow(address target, bytes4 selector, uint64 role) private {
        bytes4[] memory list = new bytes4[](1);
        list[0] = selector;
        accessManager.setTargetFunctionRole(target, list, role);
    }

    function _registerJudge(string memory name) internal returns (address judge) {
        judge = _registerOperator(name);
        vm.prank(judge);
        operatorRegistry.changeEndpoint(JUDGES_DOMAIN, "https://judge.example");
    }

    // Seeds.

    /// @dev Mines the block of a round with this randomness, and records it, once.
    function _record(uint64 round, bytes32 prevRandao) internal {
        (IRandomness.Status status,) = randomness.seed(round);
        if (status == IRandomness.Status.Ready) return;
        if (_blockNumber() <= round) vm.roll(round + 1);
        bytes memory header = BlockHeaders.header(round, prevRandao);
        vm.setBlockhash(round, keccak256(header));
        randomness.record(round, header);
    }

    /// @dev A seed by which a batch is drawn with probability `p`, or is not.
    function _seedFor(uint256 batchId_, uint256 p, bool drawn) internal pure returns (bytes32 seed) {
        for (uint256 i = 1;; ++i) {
            seed = keccak256(abi.encode("seed", i));
            // The low half of the hash is the ticket.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint256 ticket = uint128(uint256(keccak256(abi.encode(seed, batchId_))));
            if ((ticket * WAD < p << 128) == drawn) return seed;
        }
    }

    function _expire(uint64 round) internal {
        vm.roll(round + WINDOW + 1);
    }

    // Batches.

    function _receipt(uint256 number) internal view returns (IReceipts.Receipt memory) {
        return IReceipts.Receipt({
            requestId: keccak256(abi.encode("request", number)),
            modelId: modelId,
            version: 1,
            inputHash: keccak256(abi.encode("input", number)),
            outputHash: keccak256(abi.encode("output", number)),
            payer: payer.addr,
            servedAt: _now() - 1 hours,
            latencyMs: 20,
            fee: 1 ether
        });
    }

    function _structHash(IReceipts.Receipt memory receipt) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "Receipt(bytes32 requestId,bytes32 modelId,uint32 version,bytes32 inputHash,bytes32 outputHash,address payer,uint64 servedAt,uint32 latencyMs,uint128 fee)"
                ),
                receipt
            )
        );
    }

    function _leaf(IReceipts.Receipt memory receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(abi.encode(receipt))));
    }

    function _signReceipt(IReceipts.Receipt memory receipt, Account memory key) internal view returns (bytes memory) {
        return _sign(key.key, _digest("Plumbline InferenceSettlement", address(_settlement()), _structHash(receipt)));
    }

    function _signReceipt(IReceipts.Receipt memory receipt) internal view returns (bytes memory) {
        return _signReceipt(receipt, signingKeyOf[operator]);
    }

    function _settleReceipts(uint32 count, uint128 risk) internal returns (uint256) {
        delete receipts;
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            receipts.push(_receipt(1000 * (batchId + 1) + i));
            leaves[i] = _leaf(receipts[i]);
        }
        tree = ReceiptTree.build(leaves);
        return _openBatch(tree[0], count, risk);
    }

    function _openBatch(bytes32 root, uint32 count, uint128 risk) internal virtual returns (uint256) {
        batch = IBatches.Batch({
            operator: operator,
            settledAt: _now(),
            settledBlock: _blockNumber(),
            receiptCount: count,
            receiptsRoot: root,
            earned: risk / 2,
            risk: risk
        });
        batchId = batches.open(batch);
        return batchId;
    }

    /// @dev Settles a batch and has it drawn for an audit that waits for an answer.
    function _drawnAudit() internal returns (uint256 caseId) {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.1e18, true));
        caseId = auditManager.draw(batchId, batch);
        assertNotEq(caseId, 0);
    }

    /// @dev The answer that the audit asks for.
    function _leafOf(uint256 caseId)
        internal
        view
        returns (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof)
    {
        uint256 position;
        (position, proof) = ReceiptTree.walk(tree, auditManager.audit(caseId).path);
        receipt = receipts[position];
        signature = _signReceipt(receipt);
    }

    function _answer(uint256 caseId) internal returns (IReceipts.Receipt memory receipt) {
        bytes memory signature;
        bytes32[] memory proof;
        (receipt, signature, proof) = _leafOf(caseId);
        auditManager.answer(caseId, batch, receipt, signature, proof);
    }

    /// @dev An audit that a committee judges.
    function _judgedAudit() internal returns (uint256 caseId, IReceipts.Receipt memory receipt) {
        caseId = _drawnAudit();
        receipt = _answer(caseId);
        _drawJudges(caseId);
    }

    // Challenges.

    function _challenge(IReceipts.Receipt memory receipt) internal returns (uint256 caseId) {
        return _challengeAs(challenger, receipt);
    }

    function _challengeAs(address account, IReceipts.Receipt memory receipt) internal returns (uint256 caseId) {
        _fund(feeToken, account, address(challenges), BOND);
        bytes memory signature = _signReceipt(receipt);
        vm.prank(account);
        caseId = challenges.challengeReceipt(receipt, signature);
    }

    /// @dev A challenge that a committee judges.
    function _judgedChallenge() internal returns (uint256 caseId, IReceipts.Receipt memory receipt) {
        receipt = _receipt(1);
        caseId = _challenge(receipt);
        _drawJudges(caseId);
    }

    // Judges.

    function _drawJudges(uint256 caseId) internal {
        _record(judges.committeeOf(caseId).round, keccak256(abi.encode("committee", caseId)));
        judges.draw(caseId);
    }

    function _commitment(uint256 caseId, uint8 seat, bytes32 output) internal view returns (bytes32) {
        return keccak256(abi.encode(caseId, judges.seatOf(caseId, seat).member, output, _salt(seat)));
    }

    function _salt(uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", seat));
    }

    function _commit(uint256 caseId, uint8 seat, bytes32 output) internal {
        address member = judges.seatOf(caseId, seat).member;
        bytes32 commitment = _commitment(caseId, seat, output);
        vm.prank(member);
        judges.commit(caseId, seat, commitment);
    }

    /// @dev The first judges commit and reveal these outputs, the rest nothing; then the verdict is taken.
    function _vote(uint256 caseId, bytes32[] memory outputs) internal {
        for (uint8 i = 0; i < outputs.length; ++i) {
            _commit(caseId, i, outputs[i]);
        }
        _warpTo(judges.committeeOf(caseId).commitUntil);
        for (uint8 i = 0; i < outputs.length; ++i) {
            judges.reveal(caseId, i, outputs[i], _salt(i));
        }
        if (outputs.length < SEATS) _warpTo(judges.committeeOf(caseId).revealUntil);
        docket.conclude(caseId);
    }

    /// @dev Five equal votes, or fewer.
    function _voteAll(uint256 caseId, bytes32 output, uint256 votes) internal {
        bytes32[] memory outputs = new bytes32[](votes);
        for (uint256 i = 0; i < votes; ++i) {
            outputs[i] = output;
        }
        _vote(caseId, outputs);
    }

    function _executeChallenge(uint256 caseId) internal {
        _warpTo(docket.caseOf(caseId).deadline);
        challenges.executeChallenge(caseId);
    }

    function _assertStage(uint256 caseId, ICaseDocket.Stage stage, IVerdicts.Verdict verdict) internal view {
        ICaseDocket.Case memory case_ = docket.caseOf(caseId);
        assertEq(uint8(case_.stage), uint8(stage), "stage");
        assertEq(uint8(case_.verdict), uint8(verdict), "verdict");
    }

    function _expectStage(uint256 caseId, ICaseDocket.Stage stage) internal {
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_WrongStage.selector, caseId, stage));
    }

    function _isReleased() internal view returns (bool) {
        return IBatches(address(_settlement())).isBatch(batchId, batch, true);
    }

    /// @dev The last order to punish.
    function _punishment() internal view returns (IFaults.Punishment memory) {
        return faults.punishment(faults.punishmentCount() - 1);
    }
}
