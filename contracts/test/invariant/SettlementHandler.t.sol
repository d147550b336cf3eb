// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../../src/interfaces/IModelRegistry.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {Base} from "../Base.t.sol";
import {FixedPrice} from "../FixedPrice.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice The system under random use: payers, session keys, operators, delegators, the slasher, the auditor, the
///         guardian, prices and time. It owns the deployment, keeps what should be true in a store of its own, and checks each call against it.
contract SettlementHandler is Base {
    uint256 internal constant PAYERS = 2;
    uint256 internal constant OPERATORS = 2;
    uint256 internal constant MODELS = 2;
    uint256 private constant MAX_BATCH = 4;
    uint256 private constant MAX_DEPOSIT = 1000 ether;
    uint256 private constant MAX_FEE = 300 ether;
    /// @dev Low enough for coverage to be short now and then.
    uint256 private constant USUAL_PRICE = 5 ether;

    /// @dev What a naive bookkeeper knows of a channel.
    struct Purse {
        uint256 balance;
        uint256 settled;
    }

    /// @dev Likewise of a lane.
    struct Ledger {
        uint128 signedFee;
        uint64 signedUnits;
        uint128 fee;
        uint64 units;
    }

    Account[] private _payers;
    Account[] private _sessionKeys;
    bytes32[] private _models;

    mapping(address payer => mapping(address operator => Purse)) private _purses;
    mapping(address payer => mapping(address operator => mapping(bytes32 modelId => Ledger))) private _lanes;

    uint256 private _deposited;
    uint256 private _exited;
    uint256 private _settled;
    uint256 private _earned;
    uint256 private _protocolFees;
    uint256 private _royalties;
    /// @dev What the batch that is put together may still pay, and whether that was too little.
    uint256 private _headroom;
    bool private _uncovered;
    bool private _fresh = true;
    /// @dev Seconds of pauses, as they went by, and ends of exits less those before their start.
    uint64 private _paused;
    mapping(address payer => mapping(address operator => uint64)) private _exitAt;

    IInferenceSettlement.Voucher[] private _vouchers;
    bytes[] private _signatures;

    function setUp() public override {
        super.setUp();
        _models.push(modelId);
        vm.prank(publisher);
        _models.push(
            modelRegistry.registerModel(
                keccak256("other weights"), 0, IModelRegistry.Mode.Tolerance, 2000, "ipfs://other", 0
            )
        );
        _registerOperators(OPERATORS);
        for (uint256 i = 0; i < OPERATORS; ++i) {
            vm.prank(operators[i]);
            operatorRegistry.serve(_models[1], 1, 1 gwei);
        }
        for (uint256 i = 0; i < PAYERS; ++i) {
            _payers.push(makeAccount(string.concat("payer ", vm.toString(i))));
            _sessionKeys.push(makeAccount(string.concat("session key ", vm.toString(i))));
        }
    }

    function _createPriceOracle() internal override returns (IPriceOracle) {
        return new FixedPrice(USUAL_PRICE);
    }

    // Actions.

    function deposit(uint256 payerSeed, uint256 operatorSeed, uint256 amount) external {
        (address from, address to) = (_payer(payerSeed).addr, _operator(operatorSeed));
        amount = 1 + _spread(amount) % MAX_DEPOSIT;
        _deposit(from, to, amount);
        _purses[from][to].balance += amount;
        _deposited += amount;
    }

    /// @dev A batch of new, repeated, outdated and forged vouchers, and the same batch again, which must change nothing
    ///      unless coverage was too short for the first.
    function settle(uint256 operatorSeed, uint256 random) external {
        if (_isPaused()) {
            return _expectPaused(abi.encodeCall(settlement.settle, (_vouchers, _signatures, 0, 0, 0, "")));
        }
        address to = _operator(operatorSeed);
        random = _spread(random);
        IBatches.Coverage memory before = _checkCoverage(to);
        (_headroom, _uncovered) = (before.headroom, false);
        uint256 headroom = before.headroom;
        uint128 declaredRisk = random & 3 == 0 ? uint128((random >> 64) % (headroom + 1)) : 0;
        uint256 size = 1 + random % MAX_BATCH;
        for (uint256 i = 0; i < size; ++i) {
            random = uint256(keccak256(abi.encode(random)));
            _addVoucher(to, random);
        }
        _sendAndBook(to, declaredRisk);
        uint256 risk = Math.max(headroom - _headroom, declaredRisk);
        assertEq(settlement.coverage(to).openRisk, before.openRisk + risk, "open risk rises by the batch's");
        if (risk != 0) {
            assertLe((before.openRisk + risk) * 10_000, before.collateral * 7900, "all that is open is covered");
            assertLe(30_000 * risk, 8444 * before.collateral, "so is each alone");
        }

        if (!_uncovered) {
            uint256[3] memory claims = _claimsOf(to);
            _sendBatch(to, 0);
            assertEq(abi.encode(_claimsOf(to)), abi.encode(claims), "a replay pays nobody");
            _checkChannelsOf(to);
        }
        delete _vouchers;
        delete _signatures;
    }

    function authorizeSigner(uint256 payerSeed, uint64 duration) external {
        Account memory from = _payer(payerSeed);
        Account memory key = _sessionKeys[payerSeed % PAYERS];
        uint64 validUntil = _now() + 1 + uint64(_spread(duration) % 20 days);
        uint64 current = settlement.signer(key.addr).validUntil;
        bytes memory proof = _signSignerBinding(from.addr, key);
        vm.prank(from.addr);
        settlement.authorizeSigner(key.addr, validUntil > current ? validUntil : current, proof);
    }

    function revokeSigner(uint256 payerSeed) external {
        address key = _sessionKeys[payerSeed % PAYERS].addr;
        if (settlement.signer(key).payer == address(0)) return;
        vm.prank(_payer(payerSeed).addr);
        settlement.revokeSigner(key);
    }

    function startOrCancelExit(uint256 payerSeed, uint256 operatorSeed) external {
        (address from, address to) = (_payer(payerSeed).addr, _operator(operatorSeed));
        bool started = settlement.channel(from, to).exitAt != 0;
        _exitAt[from][to] = _now() + EXIT_DELAY - _paused;
        vm.prank(from);
        if (started) settlement.cancelExit(to);
        else settlement.startExit(to);
    }

    function finishExit(uint256 payerSeed, uint256 operatorSeed) external {
        (address from, address to) = (_payer(payerSeed).addr, _operator(operatorSeed));
        uint64 exitAt = settlement.channel(from, to).exitAt;
        if (exitAt == 0) return;
        assertEq(exitAt, _exitAt[from][to] + _paused, "pauses move an exit by their length");
        vm.startPrank(from);
        if (_isPaused()) _expectPaused(abi.encodeCall(settlement.finishExit, (to)));
        vm.stopPrank();
        if (!_isPaused() && exitAt <= _now()) _finishExit(from, to);
    }

    function claim(uint256 operatorSeed) external {
        address of_ = _operator(operatorSeed);
        if (settlement.earnings(of_).claimable == 0) return;
        settlement.claim(of_);
    }

    function collect(uint256 modelSeed) external {
        bytes32 model = _models[modelSeed % MODELS];
        if (settlement.royalties(model) != 0) settlement.claimRoyalties(model);
        _collect([reserve, reporter, BURN, alice][modelSeed % 4]);
    }

    function seize(uint256 operatorSeed, uint256 amount, uint256 cutBps) external {
        IInferenceSettlement.Seizure memory seizure =
            _seizure(_operator(operatorSeed), _spread(amount) % (2 * MAX_FEE), cutBps % 2001, reporter);
        if (amount % 2 == 0) (seizure.victim, seizure.refund) = (alice, _spread(cutBps) % MAX_FEE);
        uint256 escrowed = _escrowed(seizure.operator);
        uint256 openRisk = settlement.coverage(seizure.operator).openRisk;
        vm.prank(address(slasher));
        uint256 actual = settlement.seize(seizure);
        assertEq(actual, Math.min(seizure.amount, escrowed), "a seizure takes what there is");
        assertEq(_escrowed(seizure.operator), escrowed - actual);
        assertEq(settlement.coverage(seizure.operator).openRisk, openRisk, "a seizure closes no risk");
    }

    /// @dev Any open batch, and the same again, which must be refused.
    function release(uint256 seed) external {
        if (openBatches.length == 0) return;
        uint256 position = seed % openBatches.length;
        uint256 batchId = openBatches[position];
        openBatches[position] = openBatches[openBatches.length - 1];
        openBatches.pop();
        IBatches.Batch memory batch = batchOf[batchId];
        IBatches.Coverage memory coverage = settlement.coverage(batch.operator);
        IInferenceSettlement.Earnings memory before = settlement.earnings(batch.operator);
        _release(batchId);
        IInferenceSettlement.Earnings memory later = settlement.earnings(batch.operator);
        uint256 locked = Math.min(batch.earned, before.undrawn);
        assertEq(later.undrawn, before.undrawn - locked, "what is released was undrawn");
        assertEq(later.locked, before.locked + locked, "and waits from now on");
        assertEq(later.claimable, before.claimable, "nothing is free at once");
        assertEq(settlement.coverage(batch.operator).openRisk, coverage.openRisk - batch.risk, "its risk is closed");
        assertEq(settlement.coverage(batch.operator).collateral, coverage.collateral, "it covers as before");
        vm.expectRevert(abi.encodeWithSelector(IBatches.Batches_WrongBatch.selector, batchId));
        _release(batchId);
    }

    function changePrice(uint256 seed) external {
        _fresh = seed % 8 != 0;
        FixedPrice(address(priceOracle)).set(_spread(seed) % (2 * USUAL_PRICE), _fresh);
    }

    function pause(uint256 duration) external {
        uint64 until = settlement.pausedUntil();
        vm.startPrank(guardian);
        if (until != 0 && _now() < until + 30 days) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IInferenceSettlement.InferenceSettlement_PausedRecently.selector, until + 30 days
                )
            );
        }
        settlement.pause(uint64(1 + _spread(duration) % 7 days));
        vm.stopPrank();
    }

    function unpause() external {
        if (!_isPaused()) return;
        vm.prank(guardian);
        settlement.unpause();
    }

    /// @dev Claims meet pools that are full, empty and wiped out.
    function changePool(uint256 operatorSeed, uint256 random) external {
        address of_ = _operator(operatorSeed);
        uint256 shares = _sharesOf(of_, of_);
        random = _spread(random);
        if (random % 3 == 0) _stake(of_, MIN_DEPOSIT + (random >> 8) % OWN_STAKE);
        else if (random % 3 == 1) _slash(of_, type(uint256).max, 0);
        else if (shares != 0 && vault.stakeOf(of_, of_) != 0) _thaw(of_, of_, shares);
    }

    function wait(uint256 duration) external {
        _wait(uint64(1 hours + _spread(duration) % 5 days));
    }

    // What must hold.

    function checkBalances() external view {
        uint256 owed = settlement.credited(reserve) + settlement.credited(reporter) + settlement.credited(BURN)
            + settlement.credited(alice);
        for (uint256 i = 0; i < MODELS; ++i) {
            owed += settlement.royalties(_models[i]);
        }
        for (uint256 i = 0; i < OPERATORS; ++i) {
            owed += _escrowed(operators[i]);
            for (uint256 j = 0; j < PAYERS; ++j) {
                IInferenceSettlement.Channel memory channel = settlement.channel(_payers[j].addr, operators[i]);
                owed += channel.balance - channel.settled;
            }
        }
        assertEq(feeToken.balanceOf(address(settlement)), owed, "tokens held are tokens owed");
    }

    function checkChannels() external view {
        uint256 settled = 0;
        uint256 free = 0;
        for (uint256 i = 0; i < OPERATORS; ++i) {
            _checkChannelsOf(operators[i]);
            for (uint256 j = 0; j < PAYERS; ++j) {
                Purse memory purse = _purses[_payers[j].addr][operators[i]];
                settled += purse.settled;
                free += purse.balance - purse.settled;
            }
        }
        assertEq(settled, _settled);
        assertEq(free, _deposited - _exited - _settled, "every deposit is free, settled or returned");
    }

    function checkSplit() external view {
        assertEq(_settled, _earned + _protocolFees + _royalties, "fees are split to the base unit");
        assertEq(settlement.protocolFeesCharged(), _protocolFees, "protocol fees add up");
    }

    function checkExposures() external view {
        for (uint256 i = 0; i < OPERATORS; ++i) {
            (uint256 risk, uint256 earned) = (0, 0);
            for (uint256 j = 0; j < openBatches.length; ++j) {
                IBatches.Batch memory batch = batchOf[openBatches[j]];
                if (batch.operator != operators[i]) continue;
                risk += batch.risk;
                earned += batch.earned;
            }
            assertEq(settlement.coverage(operators[i]).openRisk, risk, "open risk is that of open batches");
            assertLe(settlement.earnings(operators[i]).undrawn, earned, "nothing else is undrawn");
        }
    }

    /// @dev Everybody leaves: afterwards nothing is left in the contract.
    function everybodyLeaves() external {
        if (_isPaused()) _wait(settlement.pausedUntil() - _now());
        _releaseAll();
        for (uint256 i = 0; i < OPERATORS; ++i) {
            for (uint256 j = 0; j < PAYERS; ++j) {
                if (settlement.channel(_payers[j].addr, operators[i]).exitAt != 0) continue;
                vm.prank(_payers[j].addr);
                settlement.startExit(operators[i]);
            }
        }
        _skip(EXIT_DELAY > 8 * EPOCH ? EXIT_DELAY : 8 * EPOCH);
        for (uint256 i = 0; i < OPERATORS; ++i) {
            for (uint256 j = 0; j < PAYERS; ++j) {
                _finishExit(_payers[j].addr, operators[i]);
            }
            if (_escrowed(operators[i]) != 0) settlement.claim(operators[i]);
        }
        for (uint256 i = 0; i < MODELS; ++i) {
            if (settlement.royalties(_models[i]) != 0) settlement.claimRoyalties(_models[i]);
        }
        _collect(reserve);
        _collect(reporter);
        _collect(BURN);
        _collect(alice);
        assertEq(feeToken.balanceOf(address(settlement)), 0, "nothing is stuck");
    }

    // The bookkeeper.

    /// @dev New money in half of the cases; else what was signed before, a part of it, or somebody else's signature.
    function _addVoucher(address to, uint256 random) private {
        uint256 who = (random >> 8) % PAYERS;
        address from = _payers[who].addr;
        bytes32 model = _models[(random >> 16) % MODELS];
        uint256 kind = random % 8;
        Ledger storage lane = _lanes[from][to][model];
        if (kind < 4) {
            // forge-lint: disable-start(unsafe-typecast)
            lane.signedFee += uint128(1 + (random >> 24) % MAX_FEE);
            lane.signedUnits += uint64((random >> 160) % 1e6);
            // forge-lint: disable-end(unsafe-typecast)
        }
        uint64 part = kind == 6 ? 2 : 1;
        IInferenceSettlement.Voucher memory voucher = _voucher(from, to, lane.signedFee / part, lane.signedUnits / part);
        voucher.modelId = model;
        bool bySession = (random >> 5) & 1 == 1;
        bool valid = kind != 7 && (!bySession || _isLive(who));
        Account memory signer = bySession ? _sessionKeys[who] : _payers[who];
        if (kind == 7) signer = _payers[(who + 1) % PAYERS];
        _vouchers.push(voucher);
        _signatures.push(_signVoucher(voucher, signer));
        if (valid) _book(voucher);
    }

    /// @dev A voucher pays what is new in it, as far as the channel has it.
    function _book(IInferenceSettlement.Voucher memory voucher) private {
        Ledger storage lane = _lanes[voucher.payer][voucher.operator][voucher.modelId];
        if (voucher.cumulativeFee <= lane.fee || voucher.cumulativeUnits < lane.units) return;
        Purse storage purse = _purses[voucher.payer][voucher.operator];
        uint256 due = voucher.cumulativeFee - lane.fee;
        uint256 free = purse.balance - purse.settled;
        uint256 fee = Math.min(due, free);
        if (fee > _headroom) (fee, _uncovered) = (_headroom, true);
        _headroom -= fee;
        purse.settled += fee;
        _settled += fee;
        // forge-lint: disable-start(unsafe-typecast)
        lane.fee += uint128(fee);
        lane.units += uint64((voucher.cumulativeUnits - lane.units) * fee / due);
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _isLive(uint256 who) private view returns (bool) {
        IInferenceSettlement.Signer memory signer = settlement.signer(_sessionKeys[who].addr);
        return signer.payer == _payers[who].addr && _now() <= signer.validUntil;
    }

    function _checkChannelsOf(address to) private view {
        for (uint256 j = 0; j < PAYERS; ++j) {
            address from = _payers[j].addr;
            IInferenceSettlement.Channel memory channel = settlement.channel(from, to);
            assertEq(channel.balance, _purses[from][to].balance, "balance");
            assertEq(channel.settled, _purses[from][to].settled, "settled");
            assertLe(channel.settled, channel.balance, "no more is settled than was deposited");
            uint256 lanes = 0;
            for (uint256 i = 0; i < MODELS; ++i) {
                IInferenceSettlement.Lane memory lane = settlement.lane(from, to, _models[i]);
                assertEq(lane.fee, _lanes[from][to][_models[i]].fee, "fee of the lane");
                assertEq(lane.units, _lanes[from][to][_models[i]].units, "units of the lane");
                lanes += lane.fee;
            }
            assertEq(lanes, channel.settled, "lanes sum to settled");
        }
    }

    function _sendBatch(address to, uint128 declaredRisk) private {
        vm.recordLogs();
        vm.prank(to);
        settlement.settle(_vouchers, _signatures, keccak256("receipts"), 1, declaredRisk, "");
        _noteBatches();
    }

    function _sendAndBook(address to, uint128 declaredRisk) private {
        uint256[3] memory before = _claimsOf(to);
        _sendBatch(to, declaredRisk);
        uint256[3] memory afterwards = _claimsOf(to);
        _earned += afterwards[0] - before[0];
        _protocolFees += afterwards[1] - before[1];
        _royalties += afterwards[2] - before[2];
        _checkChannelsOf(to);
    }

    /// @dev Coverage as the protocol states it, from what the vault and the settlement say of their parts.
    function _checkCoverage(address of_) private view returns (IBatches.Coverage memory coverage) {
        coverage = settlement.coverage(of_);
        uint256 own = vault.stakeOf(of_, of_);
        uint256 stake = own < FLOOR ? 0 : Math.min(vault.pool(of_).assets, 21 * own);
        (uint256 price,) = priceOracle.collateralPrice();
        IInferenceSettlement.Earnings memory earnings = settlement.earnings(of_);
        uint256 collateral = (earnings.locked + earnings.undrawn + stake * price / 1 ether / 5) * 9 / 10;
        assertApproxEqAbs(coverage.collateral, collateral, 1, "collateral");
        uint256 limit = coverage.collateral * 79 / 100;
        uint256 headroom = limit < coverage.openRisk ? 0 : limit - coverage.openRisk;
        headroom = _fresh ? Math.min(headroom, coverage.collateral * 8444 / 30_000) : 0;
        assertEq(coverage.headroom, headroom, "headroom");
    }

    function _isPaused() private view returns (bool) {
        return _now() < settlement.pausedUntil();
    }

    function _expectPaused(bytes memory call) private {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_Paused.selector, settlement.pausedUntil())
        );
        (bool reverted,) = address(settlement).call(call);
        assertTrue(reverted, "a pause stops it");
    }

    /// @dev Time goes by, and is counted while the settlement is paused.
    function _wait(uint64 duration) private {
        (uint64 from, uint64 until) = (_now(), settlement.pausedUntil());
        _skip(duration);
        if (until > from) _paused += uint64(Math.min(until, _now())) - from;
    }

    function _collect(address account) private {
        if (settlement.credited(account) != 0) settlement.collect(account);
    }

    function _finishExit(address from, address to) private {
        Purse storage purse = _purses[from][to];
        vm.prank(from);
        uint256 amount = settlement.finishExit(to);
        assertEq(amount, purse.balance - purse.settled, "an exit returns the rest");
        purse.balance = purse.settled;
        _exited += amount;
    }

    /// @dev What operator, protocol and publishers hold of fees.
    function _claimsOf(address to) private view returns (uint256[3] memory) {
        return [
            _escrowed(to),
            settlement.credited(reserve),
            settlement.royalties(_models[0]) + settlement.royalties(_models[1])
        ];
    }

    function _escrowed(address to) private view returns (uint256) {
        IInferenceSettlement.Earnings memory earnings = settlement.earnings(to);
        return earnings.locked + earnings.claimable + earnings.undrawn;
    }

    /// @dev The fuzzer likes small numbers and powers of two; amounts should be of one size.
    function _spread(uint256 seed) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }

    function _payer(uint256 seed) private view returns (Account memory) {
        return _payers[seed % PAYERS];
    }

    function _operator(uint256 seed) private view returns (address) {
        return operators[seed % OPERATORS];
    }
}
