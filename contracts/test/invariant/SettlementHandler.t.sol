// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../../src/interfaces/IModelRegistry.sol";
import {Base} from "../Base.t.sol";

/// @notice The system under random use: payers, session keys, operators, delegators, the slasher and time. It owns the
///         deployment, keeps what should be true in a store of its own, and checks each call against it.
contract SettlementHandler is Base {
    uint256 internal constant PAYERS = 2;
    uint256 internal constant OPERATORS = 2;
    uint256 internal constant MODELS = 2;
    uint256 private constant MAX_BATCH = 4;
    uint256 private constant MAX_DEPOSIT = 1000 ether;
    uint256 private constant MAX_FEE = 300 ether;

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

    // Actions.

    function deposit(uint256 payerSeed, uint256 operatorSeed, uint256 amount) external {
        (address from, address to) = (_payer(payerSeed).addr, _operator(operatorSeed));
        amount = 1 + _spread(amount) % MAX_DEPOSIT;
        _deposit(from, to, amount);
        _purses[from][to].balance += amount;
        _deposited += amount;
    }

    /// @dev A batch of new, repeated, outdated and forged vouchers, and the same batch again, which must change nothing.
    function settle(uint256 operatorSeed, uint256 random) external {
        address to = _operator(operatorSeed);
        random = _spread(random);
        uint256 size = 1 + random % MAX_BATCH;
        for (uint256 i = 0; i < size; ++i) {
            random = uint256(keccak256(abi.encode(random)));
            _addVoucher(to, random);
        }
        uint256[3] memory before = _claimsOf(to);
        _sendBatch(to);
        uint256[3] memory afterwards = _claimsOf(to);
        _earned += afterwards[0] - before[0];
        _protocolFees += afterwards[1] - before[1];
        _royalties += afterwards[2] - before[2];
        _checkChannelsOf(to);

        _sendBatch(to);
        assertEq(abi.encode(_claimsOf(to)), abi.encode(afterwards), "a replay pays nobody");
        _checkChannelsOf(to);
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
        vm.prank(from);
        if (started) settlement.cancelExit(to);
        else settlement.startExit(to);
    }

    function finishExit(uint256 payerSeed, uint256 operatorSeed) external {
        (address from, address to) = (_payer(payerSeed).addr, _operator(operatorSeed));
        uint64 exitAt = settlement.channel(from, to).exitAt;
        if (exitAt == 0 || exitAt > _now()) return;
        _finishExit(from, to);
    }

    function claim(uint256 operatorSeed) external {
        address of_ = _operator(operatorSeed);
        if (settlement.earnings(of_).claimable == 0) return;
        settlement.claim(of_);
    }

    function collect(uint256 modelSeed) external {
        bytes32 model = _models[modelSeed % MODELS];
        if (settlement.royalties(model) != 0) settlement.claimRoyalties(model);
        _collect(modelSeed % 3 == 0 ? reserve : reporter);
    }

    function seize(uint256 operatorSeed, uint256 amount, uint256 cutBps) external {
        address of_ = _operator(operatorSeed);
        amount = _spread(amount) % (2 * MAX_FEE);
        cutBps %= 2001;
        uint256 escrowed = _escrowed(of_);
        vm.prank(address(slasher));
        uint256 actual = settlement.seize(of_, amount, cutBps, reporter);
        assertEq(actual, amount < escrowed ? amount : escrowed, "a seizure takes what there is");
        assertEq(_escrowed(of_), escrowed - actual);
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
        _skip(uint64(1 hours + _spread(duration) % 5 days));
    }

    // What must hold.

    function checkBalances() external view {
        uint256 owed = settlement.credited(reserve) + settlement.credited(reporter);
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
    }

    /// @dev Everybody leaves: afterwards nothing is left in the contract.
    function everybodyLeaves() external {
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
        uint256 fee = due < free ? due : free;
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

    function _sendBatch(address to) private {
        vm.prank(to);
        settlement.settle(_vouchers, _signatures, keccak256("receipts"), 1, "");
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
        return earnings.locked + earnings.claimable;
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
